import assert from "node:assert/strict";
import { test } from "node:test";
import { RateLimit } from "./rate-limit.ts";

function limiter() {
  return new RateLimit({ answersPerSecond: 3, slip: 2, counters: 65_536 });
}

test("the same answer goes to a network so many times a second, and then now and then as a hint to come by TCP", () => {
  const limit = limiter();

  const verdicts = Array.from({ length: 7 }, (_, index) => limit.judge(`192.0.2.${index}`, "a", 500));

  assert.deepEqual(verdicts, ["answer", "answer", "answer", "drop", "truncate", "drop", "truncate"]);
  assert.equal(limit.judge("192.0.2.1", "a", 1000), "answer");
});

test("others are not kept from their answers, nor is the network from others", () => {
  const limit = limiter();
  for (let count = 0; count < 100; count += 1) limit.judge("192.0.2.1", "a", 0);

  const answered = [
    limit.judge("192.0.3.1", "a", 0),
    limit.judge("192.0.2.1", "b", 0),
    limit.judge("2001:db8::1", "a", 0),
  ];

  assert.deepEqual(answered, ["answer", "answer", "answer"]);
});

test("a network of IPv6 is what has the first 56 bits in common, however it is written", () => {
  const limit = limiter();
  for (const address of ["2001:db8:0:100::1", "2001:db8:0:1ff::1", "2001:db8:0:123:4:5:6:7"])
    assert.equal(limit.judge(address, "a", 0), "answer");

  assert.equal(limit.judge("2001:db8:0:1aa::9", "a", 0), "drop");
  assert.equal(limit.judge("2001:db8:0:200::9", "a", 0), "answer");
});
