import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { LOOPBACK } from "../../test/harness/free-port.ts";
import { WebSocketStream } from "./web-socket-stream.ts";

test("what is longer than a server may take goes in several messages, each whole and in order", async () => {
  const server = new WebSocketServer({ host: LOOPBACK, port: 0, maxPayload: 128 * 1024, maxFragments: 1 });
  await once(server, "listening");
  const received: Buffer[] = [];
  const left = Promise.withResolvers<void>();
  server.on("connection", (socket) => {
    socket.on("message", (data: Buffer) => void received.push(data)).on("close", () => left.resolve());
  });
  const webSocket = new WebSocket(`ws://${LOOPBACK}:${(server.address() as AddressInfo).port}`);
  const stream = new WebSocketStream(webSocket);
  await once(webSocket, "open");
  const said = Buffer.alloc(300 * 1024, "0123456789");

  stream.end(said);
  await left.promise;
  server.close();

  assert.deepEqual(Buffer.concat(received), said);
  assert.ok(received.every(({ length }) => length <= 64 * 1024));
  assert.equal(stream.bytesWritten, said.length);
});
