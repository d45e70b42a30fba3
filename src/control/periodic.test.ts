import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { eventually } from "../../test/harness/eventually.ts";
import { periodically } from "./periodic.ts";

const log = pino({ level: "silent" });

test("a task runs again and again, and a failure does not end it", async () => {
  let runs = 0;
  const task = periodically(
    async () => {
      runs++;
      throw new Error("not now");
    },
    { everyMs: 1, name: "test", log },
  );

  await eventually(() => assert.ok(runs >= 3));
  await task.stop();
});

test("a task never runs twice at once, and stopping waits for the one that runs", async () => {
  const gate = Promise.withResolvers<void>();
  let started = 0;
  let finished = 0;
  let ticks = 0;
  const task = periodically(
    async () => {
      started++;
      await gate.promise;
      finished++;
    },
    { everyMs: 1, name: "test", log },
  );
  const other = periodically(async () => void ticks++, { everyMs: 1, name: "test", log });
  await eventually(() => assert.ok(started === 1 && ticks >= 10));

  const stopped = task.stop();
  gate.resolve();
  await stopped;

  assert.deepEqual([started, finished], [1, 1]);
  await other.stop();
});
