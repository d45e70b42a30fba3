import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { GatewayError } from "#wire/gateway-error.ts";

/** Answers an upgrade with an error of the catalogue, as control does. */
export function refuseUpgrade(socket: Duplex, problem: GatewayError): void {
  const body = JSON.stringify({ error: problem.toPublic() });
  socket.end(
    `HTTP/1.1 ${problem.status} No\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

export function say(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
