import assert from "node:assert/strict";
import { test } from "node:test";
import { daysLeft, lasting } from "./certificate-end.ts";

const DAY = 24 * 60 * 60 * 1000;

test("what ends within a fortnight ends soon, and what has ended has ended", () => {
  assert.equal(lasting(14 * DAY + 1, 0), "good");
  assert.equal(lasting(14 * DAY, 0), "soon");
  assert.equal(lasting(1, 0), "soon");
  assert.equal(lasting(0, 0), "ended");
});

test("days are counted with the one that has begun", () => {
  assert.deepEqual(
    [5 * DAY, 5 * DAY - 1, 1, 0, -1, -DAY].map((notAfter) => daysLeft(notAfter, 0)),
    [5, 5, 1, 0, 0, -1],
  );
});
