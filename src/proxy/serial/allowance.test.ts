import assert from "node:assert/strict";
import { test } from "node:test";
import { Allowance } from "./allowance.ts";

test("so many are allowed at once, and then as many as time brings, never more than at once", () => {
  const allowance = new Allowance({ burst: 3, perSecond: 2 }, 1_000);
  const taken = (now: number, times: number) =>
    Array.from({ length: times }, () => allowance.take(now)).filter(Boolean).length;

  assert.equal(taken(1_000, 5), 3);
  assert.equal(taken(1_400, 5), 0);
  assert.equal(taken(1_500, 5), 1);
  assert.equal(taken(60_000, 9), 3);
});
