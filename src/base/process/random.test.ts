import assert from "node:assert/strict";
import { test } from "node:test";
import { drawRandom } from "./random.ts";

test("no bytes are given out twice, over many pools", () => {
  const seen = new Set<string>();
  const sizes = [8, 9, 12, 32, 4096, 4090];
  for (let round = 0; round < 500; round++)
    for (const size of sizes) {
      const bytes = drawRandom(size);
      assert.equal(bytes.length, size);
      seen.add(bytes.subarray(0, 8).toString("hex"));
    }

  assert.equal(seen.size, 500 * sizes.length);
});

test("what was given out is its owner's alone", () => {
  const first = drawRandom(16);
  const copy = Buffer.from(first);

  for (let round = 0; round < 1000; round++) drawRandom(16).fill(0);

  assert.deepEqual(first, copy);
});

test("bytes look random: every bit is set about half of the time", () => {
  const chunks = Array.from({ length: 1024 }, () => drawRandom(64));
  const bytes = Buffer.concat(chunks);

  for (let bit = 0; bit < 8; bit++) {
    const set = bytes.reduce((count, byte) => count + ((byte >> bit) & 1), 0);
    // Six standard deviations: it is beyond them once in a billion runs.
    assert.ok(Math.abs(set - bytes.length / 2) < 3 * Math.sqrt(bytes.length));
  }
});

test("more than the pool has is refused", () => {
  assert.throws(() => drawRandom(4097), RangeError);
});
