/**
 * Half of the path of an open without its features, in control's place: hands out random tokens, keeps them
 * in memory, redeems each once. No signature, no encryption, no database, no TLS, no log.
 */
import { randomBytes } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const [upstreamHost = "", upstreamPort = ""] = process.argv.slice(2);
const HOST = "127.0.0.1";

const tokens = new Set<string>();
let relayPort = 0;

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://api");
  switch (pathname) {
    case "/relay":
      relayPort = Number(searchParams.get("port"));
      answer(response, {});
      return;
    case "/console":
      answer(response, { host: HOST, port: relayPort, token: issue() });
      return;
    case "/redeem":
      if (tokens.delete(searchParams.get("token") ?? ""))
        answer(response, { host: upstreamHost, port: Number(upstreamPort) });
      else response.writeHead(404).end();
      return;
    default:
      response.writeHead(404).end();
  }
});
server.listen({ host: HOST, port: 0, backlog: 4096 }, () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ host: HOST, port }));
});
process.on("disconnect", () => process.exit(0));

function issue(): string {
  const token = randomBytes(16).toString("hex");
  tokens.add(token);
  return token;
}

function answer(response: ServerResponse, value: object): void {
  const body = JSON.stringify(value);
  response.writeHead(200, { "content-type": "application/json", "content-length": body.length }).end(body);
}
