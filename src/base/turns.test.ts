import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../test/harness/eventually.ts";
import { Turns } from "./turns.ts";

const { signal } = new AbortController();
const full = () => new Error("too many wait");

test("so many are at work at once, and who waits comes next, in order", async () => {
  const turns = new Turns({ atWork: 2, waiting: 10, full });
  const doors = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const begun: number[] = [];
  const all = doors.map(({ promise }, index) =>
    turns.take(async () => {
      begun.push(index);
      await promise;
    }, signal),
  );

  assert.deepEqual(begun, [0, 1]);
  doors[1]?.resolve();
  await eventually(() => assert.deepEqual(begun, [0, 1, 2]));
  for (const { resolve } of doors) resolve();
  await Promise.all(all);

  assert.deepEqual(begun, [0, 1, 2, 3]);
  assert.equal(await turns.take(async () => "free", signal), "free");
});

test("beyond those who may wait, whoever comes is told so at once, and whoever leaves makes room", async () => {
  const turns = new Turns({ atWork: 1, waiting: 1, full });
  const door = Promise.withResolvers<void>();
  const first = turns.take(async () => await door.promise, signal);
  const leaving = new AbortController();
  const waiting = turns.take(async () => {}, leaving.signal);

  await assert.rejects(
    turns.take(async () => {}, signal),
    /too many wait/,
  );
  leaving.abort(new Error("nobody waits"));
  await assert.rejects(waiting, /nobody waits/);
  const next = turns.take(async () => "next", signal);
  door.resolve();

  await first;
  assert.equal(await next, "next");
});

test("a failure makes room as well", async () => {
  const turns = new Turns({ atWork: 1, waiting: 0, full });

  await assert.rejects(
    turns.take(async () => await Promise.reject(new Error("no")), signal),
    /no/,
  );

  assert.equal(await turns.take(async () => "room", signal), "room");
});
