/**
 * A customer portal's page of machines, each with its console. Secret keys stay in this backend; a click asks it for a
 * console, and sends the browser's new window there.
 *
 *   npx -c 'node examples/dashboard.ts http://127.0.0.1:8000 API_KEY SECRET_KEY_FILE'
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { callCloudStack, createConsoleEndpoint } from "./open-console.ts";

const [endpoint, apiKey, secretKeyFile] = process.argv.slice(2);
if (!endpoint || !apiKey || !secretKeyFile)
  throw new Error("usage: dashboard.ts URL API_KEY SECRET_KEY_FILE");
const portal = { endpoint, apiKey, secretKey: readFileSync(secretKeyFile, "utf8").trim() };

const server = createServer(async (request, response) => {
  try {
    if (request.url === "/")
      return void response.setHeader("content-type", "text/html; charset=utf-8").end(await page());
    const [, machineId] = /^\/console\/([\w-]+)$/.exec(request.url ?? "") ?? [];
    if (machineId === undefined) return void response.writeHead(404).end();
    const { url, details } = await createConsoleEndpoint(portal, { machineId });
    if (url === undefined) throw new Error(details);
    response.writeHead(303, { location: url, "cache-control": "no-store" }).end();
  } catch (error) {
    response.writeHead(502, { "content-type": "text/plain" }).end(String(error));
  }
});

async function page(): Promise<string> {
  const { virtualmachine = [] } = await callCloudStack(portal, { command: "listVirtualMachines" });
  const rows = (virtualmachine as { id: string; name: string; state: string }[]).map(
    ({ id, name, state }) =>
      `<li>${escaped(name)} (${state}) <a href="/console/${id}" target="_blank" rel="noopener">Console</a>`,
  );
  return `<!doctype html><meta charset="utf-8"><title>My machines</title><link rel="icon" href="data:,"><h1>My machines</h1><ul>${rows.join("")}</ul>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${Object(server.address()).port}/`));
