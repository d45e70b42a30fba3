import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { eventually } from "../../test/harness/eventually.ts";
import { heldBytes } from "../../test/harness/held-memory.ts";
import { ByteQueue } from "./byte-queue.ts";
import { concat } from "./bytes.ts";

test("what goes in comes out, in whatever pieces, and what was taken stays as it is", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.uint8Array({ maxLength: 600 }), fc.nat(600))), (steps) => {
      const queue = new ByteQueue();
      const taken: Uint8Array[] = [];
      for (const [chunk, length] of steps) {
        queue.push(chunk);
        assert.deepEqual(queue.peek(length), queue.peek(length));
        taken.push(queue.take(length));
      }
      taken.push(queue.take(queue.length));

      assert.deepEqual(concat(taken), concat(steps.map(([chunk]) => chunk)));
      assert.equal(queue.length, 0);
    }),
  );
});

test("a million bytes that come one by one take no hundred millions", () => {
  const before = heldBytes();
  const queue = new ByteQueue();
  for (let bytes = 0; bytes < 1_000_000; bytes++) queue.push(Uint8Array.of(bytes));

  assert.ok(heldBytes() - before < 16_000_000);
  assert.equal(queue.length, 1_000_000);
});

test("what was taken is not held on to", async () => {
  const before = heldBytes();
  const queues = Array.from({ length: 32 }, () => {
    const queue = new ByteQueue();
    queue.push(new Uint8Array(1_000_000));
    queue.take(1_000_000);
    return queue;
  });

  // Memory of buffers is given back by another thread.
  await eventually(() => assert.ok(heldBytes() - before < 16_000_000));
  assert.equal(queues[0]?.length, 0);
});
