import assert from "node:assert/strict";
import { test } from "node:test";
import { PALETTES } from "./palette.ts";

const AA = 4.5;
const NOT_TEXT = /background|slider|cursor/i;

for (const [name, palette] of Object.entries(PALETTES))
  test(`every colour of the ${name} terminal can be read on its background`, () => {
    const texts = Object.entries(palette).filter(([colour]) => !NOT_TEXT.test(colour));
    assert.equal(texts.length, 17, "sixteen colours and the text's own");

    for (const [colour, value] of texts) {
      const contrast = contrastOf(value, palette.background);
      assert.ok(contrast >= AA, `${colour} ${value}: ${contrast.toFixed(2)}`);
    }
    assert.ok(contrastOf(palette.foreground, palette.selectionBackground) >= AA, "text that is selected");
    assert.ok(contrastOf(palette.cursorAccent, palette.cursor) >= AA, "the character under the cursor");
  });

/** WCAG 2.2, "contrast ratio". */
function contrastOf(one: string, other: string): number {
  const [lighter = 0, darker = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
