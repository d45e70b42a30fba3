import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "fast-png";
import { Miniature, pngOf, shrunk } from "./miniature.ts";

/** Blue, green, red and nothing, as it stands in a row. */
function row(...pixels: readonly (readonly [red: number, green: number, blue: number])[]): Uint8Array {
  return Uint8Array.from(pixels.flatMap(([red, green, blue]) => [blue, green, red, 255]));
}

const RED = [255, 0, 0] as const;
const WHITE = [255, 255, 255] as const;
const BLACK = [0, 0, 0] as const;

test("a picture that fits keeps its size and its colours", () => {
  const picture = new Miniature({ width: 2, height: 1 }, { width: 100, height: 100 });
  picture.paint(0, 0, row(RED, WHITE));

  const { width, height, channels, data } = decode(pngOf(picture.picture()));

  assert.deepEqual([width, height, channels], [2, 1, 3]);
  assert.deepEqual([...data], [...RED, ...WHITE]);
});

test("each pixel is the mean of those that fall on it, in whatever pieces rows come", () => {
  const picture = new Miniature({ width: 4, height: 2 }, { width: 2, height: 2 });
  picture.paint(0, 0, row(WHITE, BLACK, RED));
  picture.paint(3, 0, row(RED));
  picture.paint(0, 1, row(WHITE, BLACK, RED, RED));

  const { width, height, data } = decode(pngOf(picture.picture()));

  assert.deepEqual([width, height], [2, 1]);
  assert.deepEqual([...data], [128, 128, 128, ...RED]);
});

test("the proportions stay, and nothing becomes smaller than a pixel", () => {
  const of = (width: number, height: number) =>
    new Miniature({ width, height }, { width: 144, height: 110 }).size;

  assert.deepEqual(of(1024, 768), { width: 144, height: 108 });
  assert.deepEqual(of(768, 1024), { width: 83, height: 110 });
  assert.deepEqual(of(100, 100), { width: 100, height: 100 });
  assert.deepEqual(of(16_000, 10), { width: 144, height: 1 });
});

test("a smaller one is made of it without the screen", () => {
  const picture = new Miniature({ width: 4, height: 1 }, { width: 4, height: 1 });
  picture.paint(0, 0, row(WHITE, BLACK, RED, RED));

  const { width, data } = decode(pngOf(shrunk(picture.picture(), { width: 2, height: 1 })));

  assert.equal(width, 2);
  assert.deepEqual([...data], [128, 128, 128, ...RED]);
});
