import type { Area } from "#protocols/rfb/messages.ts";
import { CELL, glyph } from "./glyphs.ts";

/** A colour as 0xRRGGBB. */
export type Colour = number;

/** Pixels in memory, and the few ways of painting that the scene needs. Painting outside is cut off. */
export class Canvas {
  readonly width: number;
  readonly height: number;
  /** Colours, row by row. */
  readonly pixels: Uint32Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint32Array(width * height);
  }

  /** The part of an area that lies on the canvas. */
  clip({ x, y, width, height }: Area): Area {
    const left = Math.max(0, Math.min(this.width, x));
    const top = Math.max(0, Math.min(this.height, y));
    return {
      x: left,
      y: top,
      width: Math.max(0, Math.min(this.width, x + width) - left),
      height: Math.max(0, Math.min(this.height, y + height) - top),
    };
  }

  at(x: number, y: number): Colour {
    return this.pixels[y * this.width + x] ?? 0;
  }

  fill(area: Area, colour: Colour): void {
    const { x, y, width, height } = this.clip(area);
    for (let row = y; row < y + height; row++)
      this.pixels.fill(colour, row * this.width + x, row * this.width + x + width);
  }

  /** Lays a colour over one pixel; an opacity of 0 leaves it, of 1 replaces it. */
  blend(x: number, y: number, colour: Colour, opacity: number): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height || opacity <= 0) return;
    const index = y * this.width + x;
    this.pixels[index] = mix(this.pixels[index] ?? 0, colour, Math.min(1, opacity));
  }

  /** Paints one line of text with its cell's top left corner at x, y, and returns the area that it took. */
  text(text: string, { x, y, colour, scale = 1 }: TextStyle): Area {
    let left = x;
    for (const character of text) {
      const { width, height, coverage } = glyph(character, scale);
      for (let row = 0; row < height; row++)
        for (let column = 0; column < width; column++)
          this.blend(left + column, y + row, colour, (coverage[row * width + column] ?? 0) / 255);
      left += width;
    }
    return { x, y, width: left - x, height: CELL.height * scale };
  }

  get area(): Area {
    return { x: 0, y: 0, width: this.width, height: this.height };
  }

  /** Whether an area that lies on the canvas looks the same on another one of the same size. */
  equals(other: Canvas, { x, y, width, height }: Area): boolean {
    for (let row = y; row < y + height; row++)
      for (let place = row * this.width + x; place < row * this.width + x + width; place++)
        if (this.pixels[place] !== other.pixels[place]) return false;
    return true;
  }

  /** Takes an area over from a canvas of the same size. */
  copyFrom(source: Canvas, area: Area): void {
    const { x, y, width, height } = this.clip(area);
    for (let row = y; row < y + height; row++) {
      const start = row * this.width + x;
      this.pixels.set(source.pixels.subarray(start, start + width), start);
    }
  }

  /** A copy of an area that lies on the canvas. */
  take(area: Area): Canvas {
    const copy = new Canvas(area.width, area.height);
    for (let row = 0; row < area.height; row++) {
      const start = (area.y + row) * this.width + area.x;
      copy.pixels.set(this.pixels.subarray(start, start + area.width), row * area.width);
    }
    return copy;
  }

  /** Puts such a copy down where it was taken. */
  put(copy: Canvas, area: Area): void {
    for (let row = 0; row < area.height; row++) {
      const line = copy.pixels.subarray(row * area.width, (row + 1) * area.width);
      this.pixels.set(line, (area.y + row) * this.width + area.x);
    }
  }

  /** Moves what stands in an area, less its topmost rows, up by that many rows. The rows at its end stay. */
  scrollUp(area: Area, rows: number): void {
    const { x, y, width, height } = this.clip(area);
    for (let row = y; row < y + height - rows; row++) {
      const source = (row + rows) * this.width + x;
      this.pixels.copyWithin(row * this.width + x, source, source + width);
    }
  }
}

interface TextStyle {
  readonly x: number;
  readonly y: number;
  readonly colour: Colour;
  readonly scale?: number;
}

/** Between two colours: `share` 0 is the first, 1 the second. */
export function mix(from: Colour, to: Colour, share: number): Colour {
  const channel = (shift: number) => {
    const a = (from >> shift) & 0xff;
    return Math.round(a + (((to >> shift) & 0xff) - a) * share) << shift;
  };
  return channel(16) | channel(8) | channel(0);
}
