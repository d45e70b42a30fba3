import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { viewerLimits } from "#wire/viewer.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { heldMemory } from "../../test/harness/held-memory.ts";
import { startTestNode, type TestNode } from "../../test/harness/test-node.ts";
import { startRfbUpstream } from "../../test/harness/test-upstream.ts";
import { TestViewer } from "../../test/harness/test-viewer.ts";

const MEBIBYTE = 1024 * 1024;
const CHUNK = Buffer.alloc(64 * 1024, 0x5a);
/** What a node reads from a machine at once. */
const READ_BYTES = 256 * 1024;
const POINTER_EVENT = Uint8Array.of(5, 0, 0, 1, 0, 1);

/** What the kernel may hold of two connections, on either side, with room to spare. */
const KERNEL_BYTES = 40 * MEBIBYTE;

let node: TestNode;
before(async () => {
  node = await startTestNode();
});
after(async () => await node[Symbol.asyncDispose]());

test("a viewer that stops reading stops a flooding machine, and gets all of it when it reads again", async () => {
  const flood = new Flood(200 * MEBIBYTE);
  await using machine = await startRfbUpstream(({ socket }) => flood.start(socket));
  const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);
  await viewer.handshake();
  const memoryBefore = heldMemory();

  viewer.webSocket.pause();
  const taken = await steady(() => flood.taken);

  assert.ok(taken < KERNEL_BYTES, `${taken} bytes were taken of a machine whose viewer reads nothing`);
  const held = heldMemory() - memoryBefore;
  assert.ok(held < 16 * MEBIBYTE, `${held} bytes are held for a viewer that reads nothing`);
  assert.equal(node.control.endingOf(sessionId), undefined);

  viewer.keepsBytes = false;
  const received = viewer.received;
  viewer.webSocket.resume();
  await eventually(() => assert.ok(viewer.received - received > 200 * MEBIBYTE - KERNEL_BYTES));
  await eventually(() => assert.equal(flood.taken, 200 * MEBIBYTE));
});

test("a porthole.v1 viewer that reads but does not acknowledge gets one window, and more when it does", async () => {
  const flood = new Flood(64 * MEBIBYTE);
  await using machine = await startRfbUpstream(({ socket }) => flood.start(socket));
  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.porthole(node.origin, ticket);
  viewer.keepsBytes = true;
  await viewer.handshake();
  viewer.keepsBytes = false;

  const first = await steady(() => viewer.received);
  assert.ok(first >= viewerLimits.unacknowledgedBytes);
  assert.ok(first <= viewerLimits.unacknowledgedBytes + READ_BYTES + 1024, `${first} bytes`);

  viewer.webSocket.send(JSON.stringify({ type: "ack", bytes: viewerLimits.unacknowledgedBytes }));
  const second = await steady(() => viewer.received);
  assert.ok(second >= 2 * viewerLimits.unacknowledgedBytes);
  assert.ok(second <= 2 * viewerLimits.unacknowledgedBytes + 2 * READ_BYTES + 1024, `${second} bytes`);
});

test("an acknowledgement of less than before, or of bytes never sent, opens no larger window", async () => {
  const flood = new Flood(64 * MEBIBYTE);
  await using machine = await startRfbUpstream(({ socket }) => flood.start(socket));
  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.porthole(node.origin, ticket);
  await viewer.handshake();
  viewer.keepsBytes = false;
  const first = await steady(() => viewer.received);

  viewer.webSocket.send('{"type":"ack","bytes":9007199254740991}');
  viewer.webSocket.send('{"type":"ack","bytes":0}');

  const second = await steady(() => viewer.received);
  assert.ok(
    second - first <= viewerLimits.unacknowledgedBytes + READ_BYTES + 1024,
    `${second - first} bytes`,
  );
});

test("a machine that stops reading stops its viewer, and misses nothing when it reads again", async () => {
  await using machine = await startRfbUpstream(({ socket }) => socket.pause());
  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);
  await viewer.handshake();
  const events = Buffer.alloc(POINTER_EVENT.length * 10_000, POINTER_EVENT);
  const count = Math.ceil((2 * KERNEL_BYTES) / events.length);
  const memoryBefore = heldMemory();

  for (let sent = 0; sent < count; sent++) viewer.send(events);
  const waiting = await steady(() => viewer.webSocket.bufferedAmount);

  assert.ok(waiting > KERNEL_BYTES / 2, `only ${waiting} bytes wait at the viewer`);
  // The viewer's own queue is in this process too; it holds frames that are masked, so copied.
  const held = heldMemory() - memoryBefore - waiting;
  assert.ok(held < 32 * MEBIBYTE, `${held} bytes are held for a machine that reads nothing`);

  const caller = await machine.caller();
  caller.socket.resume();
  const expected = count * events.length;
  await eventually(() =>
    assert.equal(
      caller.said.reduce((sum, { length }) => sum + length, 0),
      expected,
    ),
  );
  assert.ok(Buffer.concat(caller.said).equals(Buffer.alloc(expected, POINTER_EVENT)));
});

test("a viewer that pings and reads nothing does not fill the node's memory with answers", async () => {
  await using machine = await startRfbUpstream();
  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.porthole(node.origin, ticket);
  await viewer.handshake();
  const caller = await machine.caller();
  const payload = Buffer.alloc(125);
  const pings = 600_000;
  let pongs = 0;
  viewer.webSocket.on("pong", () => {
    pongs += 1;
  });

  viewer.webSocket.pause();
  for (let sent = 0; sent < pings; sent++) viewer.webSocket.ping(payload);
  for (let sent = 0; sent < 20_000; sent++) viewer.webSocket.send('{"type":"ping","id":1}');
  viewer.send(POINTER_EVENT);

  // The pointer event stands behind all of them, so by then they have all been answered, or not.
  await eventually(() => assert.deepEqual(Buffer.concat(caller.said), Buffer.from(POINTER_EVENT)));
  viewer.webSocket.resume();
  const answered = (await steady(() => pongs)) * payload.length;
  assert.ok(answered < KERNEL_BYTES, `${answered} bytes of answers were kept`);
  assert.ok(KERNEL_BYTES < pings * payload.length);
  assert.equal(viewer.closed, undefined);
});

/** A server that writes as fast as it is read, up to a length. */
class Flood {
  readonly #length: number;
  #socket: Socket | undefined;
  #base = 0;

  constructor(length: number) {
    this.#length = length;
  }

  /** How much of it has left this process. */
  get taken(): number {
    return this.#socket === undefined
      ? 0
      : this.#socket.bytesWritten - this.#socket.writableLength - this.#base;
  }

  start(socket: Socket): void {
    this.#socket = socket;
    this.#base = socket.bytesWritten;
    let left = this.#length;
    const pour = () => {
      for (let goesOn = true; goesOn && left > 0; left -= CHUNK.length) goesOn = socket.write(CHUNK);
    };
    socket.on("drain", pour);
    pour();
  }
}

/** Waits until a number has stopped moving: the same in each of several looks. */
async function steady(look: () => number): Promise<number> {
  let last = look();
  for (let same = 0; same < 8; ) {
    await setTimeout(50);
    const now = look();
    same = now === last ? same + 1 : 0;
    last = now;
  }
  return last;
}
