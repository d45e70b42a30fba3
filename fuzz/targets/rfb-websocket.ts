import { hash } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { duplexPair, type Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { concat } from "#base/bytes.ts";
import { overWebSocket } from "#proxy/upstream-web-socket.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { ascii, type Target } from "../target.ts";
import { told } from "./told.ts";

const ADDRESS = { kind: "websocket", host: "192.0.2.1", port: 5700, path: "/", isSecure: false } as const;

/** RFC 6455 §1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** How much of a good answer stands before an input, by its first byte: all, what opens it, or nothing. */
export const PREFIXES: readonly ((accept: string) => string)[] = [
  (accept) => `${opening(accept)}Sec-WebSocket-Protocol: binary\r\n\r\n`,
  opening,
  () => "",
];

/** What an upstream's WebSocket answers and sends, up to the bytes that stand in its messages. */
export const webSocket: Target = {
  name: "rfb-websocket",
  words: [
    ...ascii(
      "HTTP/1.1 101 Switching Protocols\r\n",
      "Upgrade: websocket\r\n",
      "Connection: Upgrade\r\n",
      "\r\n",
    ),
    ...ascii("Sec-WebSocket-Protocol: binary\r\n", "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
    ...ascii(
      "Transfer-Encoding: chunked\r\n",
      "Content-Length: 5\r\n",
      "HTTP/1.1 302 Found\r\nLocation: /\r\n",
    ),
    Uint8Array.of(0x82, 0x7e, 0x00, 0x7e),
    Uint8Array.of(0x82, 0x7f, 0, 0, 0, 0, 0, 0x50, 0, 0),
    Uint8Array.of(0x02, 0x01, 0x00),
    Uint8Array.of(0x80, 0x01, 0x00),
    Uint8Array.of(0x88, 0x02, 0x03, 0xe8),
    Uint8Array.of(0x89, 0x00),
    Uint8Array.of(0x81, 0x01, 0x41),
    Uint8Array.of(0xc2, 0x01, 0x00),
  ],
  maxBytes: 16 * 1024,
  async run(input, cut) {
    const [socket, server] = duplexPair();
    const { signal } = new AbortController();
    // It is used as the stream that it is, and where that has timeouts and the like, for those.
    const opened = overWebSocket(socket as Socket, { address: ADDRESS, signal });
    const ending = opened.then(readToEnd).catch(toldOf);
    const [asked] = (await once(server, "data")) as [Buffer];
    const key = /^sec-websocket-key: (\S+)/im.exec(asked.toString("latin1"))?.[1];
    const [number = 0] = input;
    const prefix = PREFIXES[number % PREFIXES.length]?.(hash("sha1", `${key}${GUID}`, "base64"));
    if (prefix) server.write(prefix);
    for (const piece of cut(input.subarray(1))) {
      server.write(piece);
      // So that it is read by itself.
      await turn();
    }
    server.end();
    return await ending;
  },
};

function opening(accept: string): string {
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n`;
}

async function readToEnd(stream: Readable): Promise<string> {
  const said: Buffer[] = [];
  for await (const chunk of stream) said.push(chunk);
  return told(concat(said));
}

/** How much was read before it broke depends on how it came, so that is not told. */
function toldOf(error: unknown): string {
  const isRefused = error instanceof GatewayError;
  const code = error instanceof Error && "code" in error ? `${error.code}` : "";
  if (!isRefused && !code.startsWith("WS_ERR_")) throw error;
  return `${code} ${isRefused ? error.message : ""}`;
}
