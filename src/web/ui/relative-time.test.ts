import assert from "node:assert/strict";
import { test } from "node:test";
import { relativeTime } from "./relative-time.ts";

const NOW = new Date("2026-11-22T12:00:00Z");
const before = (seconds: number) => relativeTime(new Date(NOW.getTime() - seconds * 1_000), NOW, "en");

test("a time is told in the largest unit that fits", () => {
  assert.equal(before(60), "1 minute ago");
  assert.equal(before(3_599), "59 minutes ago");
  assert.equal(before(7_200), "2 hours ago");
  assert.equal(before(86_400), "yesterday");
  assert.equal(before(15 * 86_400), "2 weeks ago");
  assert.equal(before(800 * 86_400), "2 years ago");
});

test("what was just now is now, also by a clock that is a little ahead", () => {
  assert.equal(before(0), "now");
  assert.equal(before(59), "now");
  assert.equal(before(-30), "now");
});

test("it is told in the language that is asked for", () => {
  assert.equal(relativeTime(new Date(NOW.getTime() - 120_000), NOW, "de"), "vor 2 Minuten");
});
