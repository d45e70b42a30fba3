import assert from "node:assert/strict";
import { test } from "node:test";
import { DeadlineError, withDeadline } from "./deadline.ts";

test("work that is done in time is none the wiser", async () => {
  const result = await withDeadline(60_000, undefined, async (signal) => {
    assert.equal(signal.aborted, false);
    return "done";
  });

  assert.equal(result, "done");
});

test("work that takes too long is aborted with a DeadlineError", async () => {
  await assert.rejects(withDeadline(1, undefined, untilAborted), DeadlineError);
});

test("work is aborted for the reason for which its caller was", async () => {
  const stop = new AbortController();
  const reason = new Error("stopped");

  const working = withDeadline(60_000, stop.signal, untilAborted);
  stop.abort(reason);

  await assert.rejects(working, reason);
  await assert.rejects(withDeadline(60_000, stop.signal, untilAborted), reason);
});

test("what the work throws is thrown", async () => {
  const working = withDeadline(60_000, undefined, async () => {
    throw new TypeError("its own");
  });

  await assert.rejects(working, TypeError);
});

async function untilAborted(signal: AbortSignal): Promise<never> {
  signal.throwIfAborted();
  return await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}
