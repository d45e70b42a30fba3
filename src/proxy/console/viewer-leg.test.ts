import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer as createPlainServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { createAuthority } from "#tls/authority.ts";
import { BINARY_SUBPROTOCOL } from "#wire/viewer.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { newServingCertificate } from "../../../test/harness/serving-certificate.ts";
import { HEADER_ROOM } from "./frame-header.ts";
import { ViewerLeg } from "./viewer-leg.ts";

const LENGTH = 256 * 1024;
const FRAMES = 100;

for (const isTls of [false, true])
  test(`memory that is free is used again, and nothing on its way is changed by it, ${isTls ? "by TLS" : "plain"}`, async () => {
    await using pair = await connected(isTls);
    const { leg, viewer } = pair;
    const received: Buffer[] = [];
    viewer.on("message", (data: Buffer) => received.push(data));
    const sent: Buffer[] = [];
    let freeWhileWaiting = 0;

    viewer.pause();
    for (let frame = 0; frame < FRAMES; frame++) {
      const memory = Buffer.allocUnsafeSlow(HEADER_ROOM + LENGTH);
      const bytes = randomBytes(LENGTH);
      bytes.copy(memory, HEADER_ROOM);
      sent.push(bytes);
      if (!leg.sendInPlace(memory, LENGTH)) continue;
      if (leg.backlog > 0) freeWhileWaiting += 1;
      memory.fill(0);
      // What is behind it is sent when it has left, which it cannot while nobody reads.
      if (frame % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    viewer.resume();

    await eventually(() => assert.equal(received.length, FRAMES));
    assert.ok(Buffer.concat(received).equals(Buffer.concat(sent)));
    assert.equal(freeWhileWaiting > 0, isTls);
  });

async function connected(isTls: boolean) {
  await using opened = new AsyncDisposableStack();
  const authority = await createAuthority({ name: "test", now: Date.now() });
  const { chain, privateKey } = await newServingCertificate(authority);
  const server = isTls ? createTlsServer({ cert: chain, key: privateKey }) : createPlainServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  opened.defer(() => void server.close());
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  const { port } = server.address() as AddressInfo;
  const viewer = new WebSocket(`${isTls ? "wss" : "ws"}://127.0.0.1:${port}`, {
    ca: authority.certificate,
    perMessageDeflate: false,
  });
  opened.defer(() => viewer.terminate());
  const [[webSocket, request]] = (await Promise.all([once(sockets, "connection"), once(viewer, "open")])) as [
    [WebSocket, IncomingMessage],
    unknown,
  ];
  opened.defer(() => webSocket.terminate());
  const leg = new ViewerLeg(webSocket, request.socket, BINARY_SUBPROTOCOL);
  const owned = opened.move();
  return { leg, viewer, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}
