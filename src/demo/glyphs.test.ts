import assert from "node:assert/strict";
import { test } from "node:test";
import { CELL, glyph } from "./glyphs.ts";

const PRINTABLE = Array.from({ length: 95 }, (_, index) => String.fromCharCode(0x20 + index));

test("every printable character of ASCII has a shape of its own", () => {
  const shapes = PRINTABLE.map((character) => glyph(character, 1).coverage.join());

  assert.equal(new Set(shapes).size, PRINTABLE.length);
});

for (const scale of [1, 2, 3]) {
  test(`every character keeps within its cell at scale ${scale}`, () => {
    for (const character of PRINTABLE) {
      const { width, height, coverage } = glyph(character, scale);
      const isEdge = (index: number) => index < width || index >= width * (height - 1);

      assert.deepEqual([width, height], [CELL.width * scale, CELL.height * scale]);
      assert.ok(!coverage.some((cover, index) => cover > 128 && isEdge(index)), `${character} is cut off`);
    }
  });
}

test("only the space is empty", () => {
  for (const character of PRINTABLE)
    assert.equal(
      glyph(character, 1).coverage.every((cover) => cover === 0),
      character === " ",
      character,
    );
});

test("what the typeface does not have becomes one box", () => {
  assert.equal(glyph("é", 1), glyph("\u{1f30a}", 1));
  assert.notDeepEqual(glyph("é", 1), glyph(" ", 1));
});
