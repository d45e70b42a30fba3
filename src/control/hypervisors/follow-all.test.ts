import assert from "node:assert/strict";
import { test } from "node:test";
import { restMs } from "./follow-all.ts";

test("a hypervisor that is away, or refuses, is tried after about 1 s, 2 s, 4 s, and then once or twice a minute", () => {
  for (const [failures, most] of [
    [0, 1_000],
    [1, 2_000],
    [2, 4_000],
    [5, 32_000],
    [6, 60_000],
    [7, 60_000],
    [1_000_000, 60_000],
  ] as const) {
    const rests = Array.from({ length: 100 }, () => restMs(failures));

    assert.ok(
      rests.every((ms) => ms >= most / 2 && ms <= most),
      `${failures}: ${Math.min(...rests)} to ${Math.max(...rests)}`,
    );
    assert.ok(new Set(rests).size > 1, "not all at the same moment");
  }
});
