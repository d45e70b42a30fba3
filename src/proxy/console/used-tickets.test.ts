import assert from "node:assert/strict";
import { test } from "node:test";
import { UsedTickets } from "./used-tickets.ts";

test("a ticket is taken once", () => {
  const used = new UsedTickets();

  assert.equal(used.take("a", 1_000, 0), true);
  assert.equal(used.take("a", 1_000, 999), false);
  assert.equal(used.has("a"), true);
  assert.equal(used.take("b", 1_000, 0), true);
});

test("a ticket is forgotten when it has expired, since its own time refuses it from then on", () => {
  const used = new UsedTickets();
  used.take("a", 1_000, 0);

  used.take("b", 2_000, 1_000);

  assert.equal(used.has("a"), false);
  assert.equal(used.has("b"), true);
});

test("a flood of tickets pushes out the oldest, and the memory stays bounded", () => {
  const used = new UsedTickets();
  used.take("first", 1_000_000, 0);

  for (let count = 0; count < 100_000; count++) used.take(`${count}`, 1_000_000, 0);

  assert.equal(used.has("first"), false);
  assert.equal(used.has("99999"), true);
});
