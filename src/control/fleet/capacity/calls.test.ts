import assert from "node:assert/strict";
import { test } from "node:test";
import { LauncherCalls } from "./calls.ts";

test("a launcher that hangs stops no other, and is asked to launch while all that it destroys hangs", async () => {
  const stop = new AbortController();
  const calls = new LauncherCalls(stop.signal);
  const hung = async (signal: AbortSignal) =>
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  const begun = (scope: string, isLaunch: boolean) => {
    const ids = Array.from({ length: 100 }, (_, number) => `${scope} ${isLaunch} ${number}`);
    for (const orderId of ids) calls.begin({ orderId, scope, isLaunch }, hung);
    return ids.filter((orderId) => calls.has(orderId));
  };

  const destroyed = begun("a", false);
  const launched = begun("a", true);

  assert.ok(destroyed.length > 1 && launched.length > 1);
  assert.equal(calls.canBegin({ orderId: "another", scope: "a", isLaunch: true }), false);
  assert.deepEqual([begun("b", false).length, begun("b", true).length], [destroyed.length, launched.length]);
  // Launches need none kept for them; whoever asks first is served first.
  assert.equal(begun("c", true).length, destroyed.length + launched.length);
  assert.deepEqual(begun("d", true)[0], "d true 0");
  stop.abort();
  await calls.idle();
});
