import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "./backoff.ts";

test("waits double up to ten seconds, each between half and all of its step", () => {
  const backoff = new Backoff();

  for (const step of [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]) {
    const wait = backoff.next();
    assert.ok(step / 2 <= wait && wait <= step, `${wait} of ${step}`);
  }
});

test("after a success they begin anew", () => {
  const backoff = new Backoff();
  for (let count = 0; count < 10; count++) backoff.next();

  backoff.reset();

  assert.ok(backoff.next() <= 200);
});

test("waiting ends when it is no longer wanted", async () => {
  await assert.rejects(new Backoff().wait(AbortSignal.abort()), { name: "AbortError" });
});
