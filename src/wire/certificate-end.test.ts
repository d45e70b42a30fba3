import assert from "node:assert/strict";
import { test } from "node:test";
import { daysLeft, lasting, lastingOf } from "./certificate-end.ts";

const DAY = 24 * 60 * 60 * 1000;

test("what ends within a fortnight ends soon, and what has ended has ended", () => {
  assert.equal(lasting(14 * DAY + 1, 0), "good");
  assert.equal(lasting(14 * DAY, 0), "soon");
  assert.equal(lasting(1, 0), "soon");
  assert.equal(lasting(0, 0), "ended");
});

test("days are counted with the one that has begun", () => {
  assert.deepEqual(
    [5 * DAY, 5 * DAY - 1, 1, 0, -1, -DAY].map((notAfter) => daysLeft(notAfter, 0)),
    [5, 5, 1, 0, 0, -1],
  );
});

test("what an authority renews by itself ends soon only when it should have been renewed", () => {
  const of = (days: number, left: number) => {
    const [notBefore, notAfter] = [0, days * DAY].map((at) => new Date(at).toISOString());
    const certificate = { notBefore: notBefore ?? "", notAfter: notAfter ?? "" };
    const now = (days - left) * DAY;
    return (["upload", "acme"] as const).map((source) => lastingOf({ ...certificate, source }, now));
  };

  assert.deepEqual(of(90, 15), ["good", "good"]);
  assert.deepEqual(of(90, 14), ["soon", "soon"]);
  assert.deepEqual(of(6, 2), ["soon", "good"]);
  assert.deepEqual(of(6, 1.5), ["soon", "soon"]);
  assert.deepEqual(of(6, 0), ["ended", "ended"]);
});
