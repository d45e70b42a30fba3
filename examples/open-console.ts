/**
 * Opens a console as a customer portal would: one signed call of CloudStack's createConsoleEndpoint.
 *
 *   npx -c 'node examples/open-console.ts http://127.0.0.1:8000 API_KEY SECRET_KEY_FILE MACHINE_ID'
 *
 * It prints the address to send the user's browser to, which works once, for a minute. URL is that of control.
 */
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";

/** Where to ask, and as whom. */
export interface Portal {
  readonly endpoint: string;
  readonly apiKey: string;
  readonly secretKey: string;
}

/** What CloudStack answers. `details` says why there is no console. */
export interface ConsoleEndpoint {
  readonly success: boolean;
  readonly details?: string;
  readonly url?: string;
  /** For a viewer of your own: `ws://host:port/path?token=…[&extra=…]`. */
  readonly websocket?: {
    readonly token: string;
    readonly host: string;
    readonly port: string;
    readonly path: string;
    readonly extra?: string;
  };
}

/** `extraToken` is a further secret, which the viewer must bring beside the token. */
export async function createConsoleEndpoint(
  portal: Portal,
  { machineId, extraToken }: { readonly machineId: string; readonly extraToken?: string },
): Promise<ConsoleEndpoint> {
  const { consoleendpoint } = await callCloudStack(portal, {
    command: "createConsoleEndpoint",
    virtualmachineid: machineId,
    ...(extraToken === undefined ? {} : { token: extraToken }),
  });
  return consoleendpoint as ConsoleEndpoint;
}

/** One signed call. Throws what CloudStack says is wrong with it. */
export async function callCloudStack(
  portal: Portal,
  command: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(new URL("/client/api", portal.endpoint), {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: signedQuery(portal, command),
  });
  const [answer = {}] = Object.values((await response.json()) as Record<string, Record<string, unknown>>);
  if (!response.ok) throw new Error(String(answer["errortext"] ?? `HTTP status ${response.status}`));
  return answer;
}

/** Sorted, percent-encoded, in lower case as a whole, and signed with HMAC-SHA1. It holds for five minutes. */
function signedQuery({ apiKey, secretKey }: Portal, command: Readonly<Record<string, string>>): string {
  const expires = new Date(Date.now() + 5 * 60_000).toISOString().replace(/\.\d+Z$/, "+0000");
  const parameters = { ...command, apikey: apiKey, response: "json", signatureversion: "3", expires };
  const query = Object.entries(parameters)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
  const signature = createHmac("sha1", secretKey).update(query.toLowerCase()).digest("base64");
  return `${query}&signature=${encodeURIComponent(signature)}`;
}

if (import.meta.main) {
  const [endpoint, apiKey, secretKeyFile, machineId] = process.argv.slice(2);
  if (!endpoint || !apiKey || !secretKeyFile || !machineId) {
    console.error("usage: open-console.ts URL API_KEY SECRET_KEY_FILE MACHINE_ID");
    process.exit(2);
  }
  try {
    const secretKey = readFileSync(secretKeyFile, "utf8").trim();
    const { url, details } = await createConsoleEndpoint({ endpoint, apiKey, secretKey }, { machineId });
    if (url === undefined) throw new Error(details);
    console.log(url);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
