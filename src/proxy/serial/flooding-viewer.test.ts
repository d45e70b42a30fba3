import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../../../test/harness/eventually.ts";
import { saidTo, startSerialLine, steady } from "../../../test/harness/serial-line.ts";
import { startTestNode, type TestNode } from "../../../test/harness/test-node.ts";
import type { TestViewer } from "../../../test/harness/test-viewer.ts";

const BLOCK = 64 * 1024;
/** More than all the buffers of two kernels' sockets hold. */
const FLOOD = 64 * 1024 * 1024;

let node: TestNode;
before(async () => {
  node = await startTestNode();
});
after(async () => await node[Symbol.asyncDispose]());

test("a viewer who floods a machine that takes nothing waits for it, while the others see what it says", async () => {
  await using line = await startSerialLine(node, { serve: () => {} });
  await using writer = await line.open();
  const { socket } = await line.caller();
  socket.pause();
  await using watcher = await line.open();

  flood(writer);
  const waiting = await steady(() => writer.webSocket.bufferedAmount);
  socket.write("overrun");

  await eventually(() => assert.equal(watcher.bytes.toString("latin1"), "overrun"));
  assert.ok(waiting > FLOOD / 2, `${FLOOD - waiting} bytes were taken`);
  assert.ok(writer.webSocket.bufferedAmount > FLOOD / 2, "no more is taken from him");
  let taken = 0;
  socket.on("data", (bytes) => {
    taken += bytes.length;
  });
  socket.resume();
  await eventually(() => assert.equal(taken, FLOOD), { withinMs: 60_000 });
});

test("what a viewer floods who only watches is thrown away, and holds nobody up", async () => {
  await using line = await startSerialLine(node);
  await using writer = await line.open();
  const caller = await line.caller();
  await using watcher = await line.open();
  await eventually(() => assert.ok(watcher.texts.some(({ type }) => type === "line")));

  flood(watcher);
  await eventually(() => assert.equal(watcher.webSocket.bufferedAmount, 0), { withinMs: 60_000 });
  writer.send(Buffer.from("ls\r"));

  await eventually(() => assert.equal(saidTo(caller), "ls\r"));
  assert.equal(watcher.closed, undefined);
});

function flood(viewer: TestViewer): void {
  const block = Buffer.alloc(BLOCK, "x");
  for (let sent = 0; sent < FLOOD; sent += BLOCK) viewer.send(block);
}
