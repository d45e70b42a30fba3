import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Area } from "#protocols/rfb/messages.ts";
import { Tiles } from "./tiles.ts";

const WIDTH = 100;
const HEIGHT = 70;
const WHOLE: Area = { x: 0, y: 0, width: WIDTH, height: HEIGHT };

const anyArea: fc.Arbitrary<Area> = fc.record({
  x: fc.integer({ min: -20, max: WIDTH + 20 }),
  y: fc.integer({ min: -20, max: HEIGHT + 20 }),
  width: fc.nat(60),
  height: fc.nat(60),
});

function contains({ x, y, width, height }: Area, px: number, py: number): boolean {
  return px >= x && py >= y && px < x + width && py < y + height;
}

function hits(areas: Iterable<Area>, x: number, y: number): number {
  let count = 0;
  for (const area of areas) if (contains(area, x, y)) count++;
  return count;
}

test("a screen that is marked as a whole is taken as one rectangle", () => {
  const tiles = new Tiles(WIDTH, HEIGHT);

  tiles.add(WHOLE);

  assert.deepEqual(tiles.takeRectangles(WHOLE), [WHOLE]);
  assert.ok(tiles.isEmpty);
});

test("nothing is taken of an untouched screen", () => {
  assert.deepEqual(new Tiles(WIDTH, HEIGHT).takeRectangles(WHOLE), []);
});

test("what lies outside of the area asked for stays", () => {
  const tiles = new Tiles(WIDTH, HEIGHT);
  tiles.add(WHOLE);

  tiles.takeRectangles({ x: 0, y: 0, width: 16, height: 16 });

  assert.ok(!tiles.touches({ x: 0, y: 0, width: 16, height: 16 }));
  assert.ok(tiles.touches({ x: 16, y: 0, width: 1, height: 1 }));
  assert.ok(!tiles.isEmpty);
});

test("the rectangles are the marked tiles, each pixel once and none beyond the screen", () => {
  fc.assert(
    fc.property(fc.array(anyArea, { maxLength: 6 }), (areas) => {
      const tiles = new Tiles(WIDTH, HEIGHT);
      for (const area of areas) tiles.add(area);
      const marked = [...tiles];

      const rectangles = tiles.takeRectangles(WHOLE);

      for (let y = 0; y < HEIGHT; y++)
        for (let x = 0; x < WIDTH; x++) {
          assert.equal(hits(rectangles, x, y), hits(marked, x, y));
          if (hits(areas, x, y) > 0) assert.equal(hits(rectangles, x, y), 1);
        }
      for (const { x, y, width, height } of rectangles)
        assert.ok(x >= 0 && y >= 0 && x + width <= WIDTH && y + height <= HEIGHT);
      assert.ok(tiles.isEmpty);
    }),
    { numRuns: 50 },
  );
});

test("a set takes on what is marked in another", () => {
  const [some, others] = [new Tiles(WIDTH, HEIGHT), new Tiles(WIDTH, HEIGHT)];
  others.add({ x: 20, y: 20, width: 1, height: 1 });

  some.addAll(others);

  assert.deepEqual([...some], [{ x: 16, y: 16, width: 16, height: 16 }]);
});
