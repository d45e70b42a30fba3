import assert from "node:assert/strict";
import { test } from "node:test";
import { TRUE_COLOUR_32 } from "#protocols/rfb/pixel-format.ts";
import { Canvas } from "./canvas.ts";
import { isWritable, PixelWriter } from "./pixel-writer.ts";

const canvas = new Canvas(2, 2);
canvas.pixels.set([0x112233, 0xffffff, 0x000000, 0xff8000]);

test("pixels are written in the order of the format, with the bits set that it has no use for", () => {
  const area = { x: 0, y: 0, width: 1, height: 1 };

  const little = new PixelWriter(TRUE_COLOUR_32).write(canvas, area);
  const big = new PixelWriter({ ...TRUE_COLOUR_32, bigEndian: true }).write(canvas, area);

  assert.deepEqual([...little], [0x33, 0x22, 0x11, 0xff]);
  assert.deepEqual([...big], [0xff, 0x11, 0x22, 0x33]);
});

test("channels are scaled to what a pixel has room for", () => {
  const format = {
    ...{ bitsPerPixel: 16, depth: 16, bigEndian: true, trueColour: true },
    ...{ red: { max: 31, shift: 11 }, green: { max: 63, shift: 5 }, blue: { max: 31, shift: 0 } },
  };

  const pixels = new PixelWriter(format).write(canvas, { x: 1, y: 0, width: 1, height: 2 });

  assert.deepEqual([...pixels], [0xff, 0xff, 0xfc, 0x00]);
});

for (const { name, format } of [
  { name: "a colour map", format: { ...TRUE_COLOUR_32, trueColour: false } },
  { name: "24 bits a pixel", format: { ...TRUE_COLOUR_32, bitsPerPixel: 24 } },
  { name: "0 bits a pixel", format: { ...TRUE_COLOUR_32, bitsPerPixel: 0 } },
  { name: "a channel without values", format: { ...TRUE_COLOUR_32, red: { max: 0, shift: 0 } } },
  { name: "a channel beyond the pixel", format: { ...TRUE_COLOUR_32, bitsPerPixel: 16 } },
  { name: "a shift beyond any pixel", format: { ...TRUE_COLOUR_32, blue: { max: 255, shift: 255 } } },
]) {
  test(`${name} cannot be written`, () => {
    assert.ok(!isWritable(format));
  });
}

test("ten bits a channel can be written", () => {
  const format = {
    ...TRUE_COLOUR_32,
    ...{ red: { max: 1023, shift: 22 }, green: { max: 1023, shift: 12 }, blue: { max: 1023, shift: 2 } },
  };

  assert.ok(isWritable(format));
  assert.deepEqual(
    [...new PixelWriter(format).write(canvas, { x: 1, y: 0, width: 1, height: 1 })],
    [0xff, 0xff, 0xff, 0xff],
  );
});
