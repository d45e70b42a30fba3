import assert from "node:assert/strict";
import { test } from "node:test";
import { testClock } from "../../../test/harness/test-clock.ts";
import { Pictures } from "./pictures.ts";

test("of an account's pictures of a machine the first in an hour is told, also where its transaction is run again", () => {
  const clock = testClock();
  const pictures = new Pictures(clock);
  const order = () => ({ purpose: "thumbnail" as const, account: { id: "a" }, machine: { id: "m" } });
  const first = order();

  assert.equal(pictures.isWorthTelling(first), true);
  assert.equal(pictures.isWorthTelling(first), true);
  assert.equal(pictures.isWorthTelling(order()), false);
  clock.advance(60 * 60 * 1000);
  assert.equal(pictures.isWorthTelling(order()), true);
});
