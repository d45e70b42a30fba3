import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { test } from "node:test";
import { postDeafly } from "../../../test/harness/deaf-sender.ts";
import { discardRest } from "./discard-rest.ts";

const MEBIBYTE = 1024 * 1024;

test("a sender that writes its whole body before it listens hears why it is refused", async () => {
  await using server = await refusing(async (request) => await discardRest(request));

  const answer = await postDeafly(server.url, { path: "/", mebibytes: 5 });

  assert.match(answer, /^HTTP\/1\.1 413 /);
});

test("beyond its bounds nobody is listened to", async () => {
  for (const bounds of [
    { bytes: MEBIBYTE, ms: 60_000 },
    { bytes: 60 * MEBIBYTE, ms: 1 },
  ]) {
    await using server = await refusing((request) => discardRest(request, bounds));
    const socket = connect(server.port, "127.0.0.1");
    // What is still written when the connection is reset.
    socket.on("error", () => undefined);
    socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n");
    socket.write(Buffer.alloc(bounds.ms === 1 ? 1 : 2 * MEBIBYTE));
    socket.resume();

    await once(socket, "close");
  }
});

test("whoever goes away in the middle is not waited for", async () => {
  const gone = Promise.withResolvers<void>();
  await using server = await refusing(async (request) => {
    await discardRest(request, { bytes: MEBIBYTE, ms: 2 ** 31 - 1 });
    gone.resolve();
  });
  const socket = connect(server.port, "127.0.0.1");
  socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
  await once(server.requests, "request");

  socket.destroy();

  await gone.promise;
});

/** Refuses everything without looking at it, once `before` is done. */
async function refusing(before: (request: IncomingMessage) => Promise<void>) {
  const server = createServer(async (request, response) => {
    await before(request);
    response.writeHead(413, { connection: "close" }).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}/`,
    requests: server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
