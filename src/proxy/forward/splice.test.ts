import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { eventually } from "../../../test/harness/eventually.ts";
import { Splice } from "./splice.ts";

const MEBIBYTE = 1024 * 1024;
/** What the kernel may hold of the connections, on every side, with room to spare. */
const KERNEL_BYTES = 40 * MEBIBYTE;

const PATIENT = { standstillMs: 60_000, closingMs: 60_000 } as const;

/** Two ends, and a splice between them. */
async function startSplice(deadlines = PATIENT) {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const pair = async (): Promise<[Socket, Socket]> => {
    const accepted = once(server, "connection") as Promise<[Socket]>;
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    await once(socket, "connect");
    return [socket, (await accepted)[0]];
  };
  const [viewer, near] = await pair();
  const [far, node] = await pair();
  let closed = 0;
  const splice = new Splice([near, far], deadlines, () => {
    closed += 1;
  });
  for (const socket of [viewer, node]) socket.on("error", () => {});
  return {
    viewer,
    node,
    splice,
    closed: () => closed,
    [Symbol.dispose]: () => {
      for (const socket of [viewer, near, far, node]) socket.destroy();
      server.close();
    },
  };
}

async function all(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>)
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

test("each side gets every byte that the other said, in order, and its end", async () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 70_000, size: "max" }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(chunks, chunks, async (fromViewer, fromNode) => {
      using ends = await startSplice();
      const heard = Promise.all([all(ends.node), all(ends.viewer)]);

      for (const chunk of fromViewer) ends.viewer.write(chunk);
      for (const chunk of fromNode) ends.node.write(chunk);
      ends.viewer.end();
      ends.node.end();

      const [atNode, atViewer] = await heard;
      assert.ok(atNode.equals(Buffer.concat(fromViewer)));
      assert.ok(atViewer.equals(Buffer.concat(fromNode)));
      await eventually(() => assert.equal(ends.closed(), 1));
    }),
    { numRuns: 40 },
  );
});

test("a side that has said all goes on to hear the other", async () => {
  using ends = await startSplice();
  ends.viewer.end("that is all");

  assert.equal(String(await all(ends.node)), "that is all");
  ends.node.write("not ");
  ends.node.end("yet");

  assert.equal(String(await all(ends.viewer)), "not yet");
});

for (const [slow, fast] of [
  ["viewer", "node"],
  ["node", "viewer"],
] as const)
  test(`a ${slow} that does not read stops the ${fast}, and gets all when it reads again`, async () => {
    using ends = await startSplice();
    const total = 150 * MEBIBYTE;
    ends[slow].pause();
    for (let sent = 0; sent < total; sent += MEBIBYTE) ends[fast].write(Buffer.alloc(MEBIBYTE, 0x5a));
    const taken = () => ends[fast].bytesWritten - ends[fast].writableLength;

    let before = -1;
    await eventually(() => {
      const last = before;
      before = taken();
      assert.equal(before, last, "it is still being taken");
    });

    assert.ok(before < KERNEL_BYTES, `${before} bytes were taken for somebody who reads nothing`);
    let received = 0;
    ends[slow].on("data", (chunk) => {
      received += chunk.length;
    });
    ends[slow].resume();
    await eventually(() => assert.equal(received, total));
  });

test("when one side breaks off, the other gets what was said before, and the end", async () => {
  using ends = await startSplice();
  const heard = all(ends.viewer);
  ends.node.write("last words");
  await eventually(() => assert.ok(ends.viewer.bytesRead > 0));

  ends.node.resetAndDestroy();

  assert.equal(String(await heard), "last words");
  ends.viewer.end();
  await eventually(() => assert.equal(ends.closed(), 1));
});

test("a side that takes nothing is cut when its time is over, and no earlier", async () => {
  using ends = await startSplice();
  ends.viewer.pause();
  ends.node.write(Buffer.alloc(KERNEL_BYTES));
  let now = performance.now();

  ends.splice.lookAfter(now);
  ends.splice.lookAfter(now + PATIENT.standstillMs - 1);
  assert.equal(ends.closed(), 0);
  // What the kernel still took in between counts as taken.
  await eventually(() => {
    now += PATIENT.standstillMs;
    ends.splice.lookAfter(now);
    assert.equal(ends.closed(), 1);
  });
});

test("a side that stays open alone is cut when its time is over, and no earlier", async () => {
  using ends = await startSplice();
  ends.node.resume().end();
  ends.viewer.resume();
  await once(ends.viewer, "end");
  const now = performance.now();

  ends.splice.lookAfter(now);
  assert.equal(ends.closed(), 0);
  ends.splice.lookAfter(now + PATIENT.standstillMs);

  await eventually(() => assert.equal(ends.closed(), 1));
});

test("nothing is cut whose viewer is quiet, as long as the node says something now and then", async () => {
  using ends = await startSplice();
  ends.viewer.resume();
  const start = performance.now();

  for (let minute = 0; minute < 10; minute++) {
    const before = ends.viewer.bytesRead;
    ends.node.write("ping");
    await eventually(() => assert.ok(ends.viewer.bytesRead > before));
    ends.splice.lookAfter(start + minute * PATIENT.standstillMs);
  }

  ends.node.write("still here");
  assert.equal(String((await once(ends.viewer, "data"))[0]), "still here");
});

test("a node that vanished without a word is found out, though the system still takes what its viewer says", async () => {
  using ends = await startSplice();
  const start = performance.now();
  const said = async (minute: number) => {
    ends.viewer.write("key");
    // A little more than a minute each time: the sum of fractions may be a little less than what was added.
    ends.splice.lookAfter(start + minute * (PATIENT.standstillMs + 1));
    await new Promise(setImmediate);
  };

  for (const minute of [0, 1]) await said(minute);
  assert.equal(ends.closed(), 0);
  await said(2);

  await eventually(() => assert.equal(ends.closed(), 1));
});

test("a node that a slow viewer keeps from speaking is not taken for one that vanished", async () => {
  using ends = await startSplice();
  for (let sent = 0; sent < 4 * KERNEL_BYTES; sent += MEBIBYTE) ends.node.write(Buffer.alloc(MEBIBYTE));
  const start = performance.now();

  for (let look = 0; look < 6; look++) {
    // It takes something each time, so that it does not stand still.
    await take(ends.viewer, 8 * MEBIBYTE);
    ends.splice.lookAfter(start + look * (PATIENT.standstillMs - 1));
  }

  assert.equal(ends.closed(), 0);
});

async function take(socket: Socket, bytes: number): Promise<void> {
  for (let taken = 0; taken < bytes; ) {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) await once(socket, "readable");
    else taken += chunk.length;
  }
}
