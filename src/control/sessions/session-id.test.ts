import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessionIds } from "./session-id.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("an id is a UUID of version 7 that begins with its time", () => {
  const id = createSessionIds({ now: () => 0x0123_4567_89ab })();

  assert.match(id, UUID_V7);
  assert.ok(id.startsWith("01234567-89ab-7000-"));
});

test("ids come in order, within a millisecond and when the clock is set back", () => {
  let now = 1_000_000;
  const nextId = createSessionIds({ now: () => now });
  const ids: string[] = [];

  for (let count = 0; count < 10_000; count++) ids.push(nextId());
  now -= 500_000;
  for (let count = 0; count < 10; count++) ids.push(nextId());
  now += 600_000;
  ids.push(nextId());

  assert.deepEqual(ids, ids.toSorted());
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, UUID_V7);
});

test("two replicas do not make the same id in the same millisecond", () => {
  const clock = { now: () => 1_000_000 };

  assert.notEqual(createSessionIds(clock)(), createSessionIds(clock)());
});
