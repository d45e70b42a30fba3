import { MISSING, STROKES } from "./font.ts";

/** The cell of one character at scale 1, in pixels, and where the font's origin stands in it. */
export const CELL = { width: 9, height: 18 } as const;
const ORIGIN = { x: 1.5, y: 3.5 } as const;

/** The width of a stroke at scale 1; larger text looks right with slightly finer ones. */
const STROKE_WIDTH = 1.3;
const CURVE_SEGMENTS = 8;

/** One character ready to be painted: how much of each pixel its strokes cover, 0 to 255, row by row. */
export interface Glyph {
  readonly width: number;
  readonly height: number;
  readonly coverage: Uint8Array;
}

interface Point {
  readonly x: number;
  readonly y: number;
}
type Segment = readonly [Point, Point];

const cache = new Map<string, Glyph>();

/** A character at a whole-numbered scale; what the typeface does not have becomes a box. */
export function glyph(character: string, scale: number): Glyph {
  const strokes = STROKES[character];
  // All that is missing shares one entry: whatever people type must not grow the cache.
  const key = `${scale}${strokes === undefined ? "" : character}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const drawn = draw(strokes ?? MISSING, scale);
  cache.set(key, drawn);
  return drawn;
}

function draw(strokes: string, scale: number): Glyph {
  const width = CELL.width * scale;
  const height = CELL.height * scale;
  const segments = parseStrokes(strokes);
  const radius = (STROKE_WIDTH * scale ** 0.85) / 2;
  const coverage = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const point = { x: (column + 0.5) / scale - ORIGIN.x, y: (row + 0.5) / scale - ORIGIN.y };
      const distance = Math.min(...segments.map((segment) => distanceTo(segment, point))) * scale;
      coverage[row * width + column] = 255 * Math.max(0, Math.min(1, radius - distance + 0.5));
    }
  }
  return { width, height, coverage };
}

function parseStrokes(strokes: string): readonly Segment[] {
  const segments: Segment[] = [];
  let at: Point = { x: 0, y: 0 };
  const lineTo = (to: Point) => {
    segments.push([at, to]);
    at = to;
  };
  for (const [, command, text = ""] of strokes.matchAll(/([MLHVQ])([^MLHVQ]*)/g)) {
    const [a = 0, b = 0, c = 0, d = 0] = text.trim().split(/\s+/).map(Number);
    if (command === "M") at = { x: a, y: b };
    else if (command === "L") lineTo({ x: a, y: b });
    else if (command === "H") lineTo({ x: a, y: at.y });
    else if (command === "V") lineTo({ x: at.x, y: a });
    else for (const point of curve(at, { x: a, y: b }, { x: c, y: d })) lineTo(point);
  }
  return segments;
}

function curve(from: Point, control: Point, to: Point): readonly Point[] {
  const along = (t: number, a: number, b: number, c: number) =>
    (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t ** 2 * c;
  return Array.from({ length: CURVE_SEGMENTS }, (_, index) => {
    const t = (index + 1) / CURVE_SEGMENTS;
    return { x: along(t, from.x, control.x, to.x), y: along(t, from.y, control.y, to.y) };
  });
}

function distanceTo([from, to]: Segment, point: Point): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx ** 2 + dy ** 2;
  const along = length === 0 ? 0 : ((point.x - from.x) * dx + (point.y - from.y) * dy) / length;
  const t = Math.max(0, Math.min(1, along));
  return Math.hypot(point.x - from.x - t * dx, point.y - from.y - t * dy);
}
