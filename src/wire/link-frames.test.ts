import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, linkLimits } from "./link.ts";
import { linkFrames } from "./link-frames.ts";

function answers(count: number, characters: number): Answer[] {
  return Array.from({ length: count }, (_, id) => ({ id, body: "ü".repeat(characters) }));
}

function unpacked(frames: readonly string[]): unknown[] {
  return frames.flatMap((frame) => JSON.parse(frame));
}

test("nothing is carried by no frame", () => {
  assert.deepEqual(linkFrames([]), []);
});

test("what comes together travels together, in order", () => {
  const few = answers(3, 5);

  const frames = linkFrames(few);

  assert.equal(frames.length, 1);
  assert.deepEqual(unpacked(frames), few);
});

for (const [what, count, characters] of [
  ["many", 2 * linkLimits.envelopesPerFrame + 1, 1],
  ["large", 100, 20_000],
  ["each too large for company", 3, linkLimits.frameBytes / 4],
] as const) {
  test(`envelopes that are ${what} travel in several frames, none beyond the limits`, () => {
    const all = answers(count, characters);

    const frames = linkFrames(all);

    assert.ok(frames.length > 1);
    for (const frame of frames) {
      assert.ok(Buffer.byteLength(frame) <= linkLimits.frameBytes);
      assert.ok(JSON.parse(frame).length <= linkLimits.envelopesPerFrame);
    }
    assert.deepEqual(unpacked(frames), all);
  });
}
