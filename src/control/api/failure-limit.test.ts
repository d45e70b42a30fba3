import assert from "node:assert/strict";
import { test } from "node:test";
import { GatewayError } from "#wire/gateway-error.ts";
import { FailureLimit, isPossibleApiKey } from "./failure-limit.ts";

const refused = (error: unknown) => error instanceof GatewayError && error.code === "rate_limited";

function fail(limit: FailureLimit, source: string, times: number): void {
  for (let count = 0; count < times; count += 1) limit.failed(source);
}

test("a source may fail nineteen times within a minute, and is refused after the twentieth", () => {
  const limit = new FailureLimit({ now: () => 0 });

  fail(limit, "a", 19);
  limit.check("a");
  limit.failed("a");

  assert.throws(() => limit.check("a"), refused);
});

test("one source's failures do not touch another", () => {
  const limit = new FailureLimit({ now: () => 0 });

  fail(limit, "a", 50);

  limit.check("b");
});

test("a minute after the first failure the source starts afresh", () => {
  let now = 0;
  const limit = new FailureLimit({ now: () => now });

  fail(limit, "a", 20);
  now = 59_999;
  assert.throws(() => limit.check("a"), refused);
  now = 60_000;
  limit.check("a");
  fail(limit, "a", 19);

  limit.check("a");
});

test("no more than ten thousand sources are remembered, the oldest is forgotten first", () => {
  const limit = new FailureLimit({ now: () => 0 });

  fail(limit, "first", 20);
  fail(limit, "second", 20);
  for (let count = 0; count < 9_999; count += 1) limit.failed(`other ${count}`);

  limit.check("first");
  assert.throws(() => limit.check("second"), refused);
});

test("what is over is forgotten at the next look, not only when room is needed", () => {
  let now = 0;
  const limit = new FailureLimit({ now: () => now });
  for (let count = 0; count < 100; count += 1) limit.failed(`source ${count}`);
  now = 30_000;
  limit.failed("later");
  assert.equal(limit.size, 101);

  now = 60_000;
  limit.check("anyone");

  assert.equal(limit.size, 1);
});

test("a key of 128 characters may be one, a longer one may not", () => {
  assert.equal(isPossibleApiKey("k".repeat(128)), true);
  assert.equal(isPossibleApiKey("k".repeat(129)), false);
});
