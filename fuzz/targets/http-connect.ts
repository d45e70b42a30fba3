import type { Socket } from "node:net";
import { duplexPair, type Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { concat } from "#base/bytes.ts";
import { overHttpConnect } from "#proxy/upstream-http-connect.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { ascii, type Target } from "../target.ts";
import { told } from "./told.ts";

const ADDRESS = {
  ...({ kind: "http-connect", host: "192.0.2.1", port: 443, isSecure: true } as const),
  ...{ path: "/console?uuid=9", headers: { Cookie: "session_id=OpaqueRef:1" } },
};

/** What a hypervisor answers to CONNECT, and the console's first bytes behind it. */
export const httpConnect: Target = {
  name: "http-connect",
  words: ascii(
    ...["HTTP/1.1 200 OK\r\n", "HTTP/1.0 503 Connection Limit Exceeded\r\n", "\r\n\r\n", "\n\n", "\r\r\n"],
    ...[
      "Connection: keep-alive\r\n",
      "Transfer-Encoding: chunked\r\n",
      "Content-Length: 5\r\n",
      " ",
      "HTTP/",
    ],
    ...["RFB 003.003\n", "100 Continue\r\n\r\n"],
  ),
  maxBytes: 16 * 1024,
  async run(input, cut) {
    const [socket, server] = duplexPair();
    const { signal } = new AbortController();
    // It is used as the stream that it is.
    const opened = overHttpConnect(socket.pause() as Socket, { address: ADDRESS, signal });
    const ending = opened.then(readToEnd).catch(toldOf);
    server.resume();
    for (const piece of cut(input)) {
      server.write(piece);
      // So that it is read by itself.
      await turn();
    }
    server.end();
    return await ending;
  },
};

async function readToEnd(stream: Readable): Promise<string> {
  const said: Buffer[] = [];
  for await (const chunk of stream) said.push(chunk);
  return told(concat(said));
}

function toldOf(error: unknown): string {
  if (error instanceof GatewayError) return error.message;
  throw error;
}
