import assert from "node:assert/strict";
import { test } from "node:test";
import { sessionCeiling } from "./session-ceiling.ts";

const GIBIBYTE = 1024 ** 3;

test("a node takes what it is told, whatever its memory", () => {
  assert.equal(sessionCeiling(7, { memoryBytes: GIBIBYTE }), 7);
  assert.equal(sessionCeiling(100_000, { memoryBytes: GIBIBYTE }), 100_000);
});

test("a node that is told nothing takes what its memory bears, which workers share", () => {
  const bears = (memoryBytes: number, workers = 1) => sessionCeiling(null, { memoryBytes, workers });

  assert.equal(bears(GIBIBYTE), 576);
  assert.equal(bears(GIBIBYTE / 2), 192);
  assert.equal(bears(4 * GIBIBYTE, 4), bears(GIBIBYTE));
  assert.equal(bears(64 * GIBIBYTE), 5_000, "one core is busy with fewer");
  assert.equal(bears(GIBIBYTE / 8), 10, "a little is always borne");
  assert.ok(sessionCeiling(null) >= 10);
});
