import assert from "node:assert/strict";
import { test } from "node:test";
import { ControlClock } from "./control-clock.ts";

test("control's time is taken as of the middle of the call, and goes on from there", async () => {
  let monotonic = 1_000;
  const clock = new ControlClock(() => monotonic);

  await clock.measure(async () => {
    monotonic += 100; // There and back.
    return { now: 5_000_000 };
  });

  assert.equal(clock.now(), 5_000_050);
  monotonic += 3_000;
  assert.equal(clock.now(), 5_003_050);
});

test("a call that fails leaves the time as it was", async () => {
  let monotonic = 0;
  const clock = new ControlClock(() => monotonic);
  await clock.measure(async () => ({ now: 1_000 }));

  await assert.rejects(
    clock.measure(async () => {
      monotonic += 10;
      throw new Error("unreachable");
    }),
  );

  assert.equal(clock.now(), 1_010);
});

test("before control was asked, the machine's own time has to do", () => {
  const clock = new ControlClock();

  assert.ok(Math.abs(clock.now() - Date.now()) < 1_000);
});
