import { encode } from "fast-png";
import type { ScreenSize } from "#protocols/rfb/snapshot.ts";

const CHANNELS = 3;

/**
 * A picture that becomes small while it comes in: each of its pixels is the mean of the larger picture's pixels that
 * fall on it. What comes twice counts twice.
 */
export class Miniature {
  readonly size: ScreenSize;
  readonly #of: ScreenSize;
  readonly #sums: Uint32Array;
  readonly #counts: Uint32Array;
  /** On which of the small picture's columns each of the larger one's falls. */
  readonly #columns: Uint16Array;

  /** Keeps the proportions, inside of `box`, and never enlarges. */
  constructor(of: ScreenSize, box: ScreenSize) {
    const scale = Math.min(1, box.width / of.width, box.height / of.height);
    const side = (length: number) => Math.max(1, Math.round(length * scale));
    this.#of = of;
    this.size = { width: side(of.width), height: side(of.height) };
    const pixels = this.size.width * this.size.height;
    this.#sums = new Uint32Array(pixels * CHANNELS);
    this.#counts = new Uint32Array(pixels);
    this.#columns = Uint16Array.from({ length: of.width }, (_, column) =>
      Math.floor((column * this.size.width) / of.width),
    );
  }

  /** A row of the larger picture: four bytes a pixel, blue, green, red and one of nothing. */
  readonly paint = (x: number, y: number, row: Uint8Array): void => {
    const { width, height } = this.size;
    const [sums, counts, columns] = [this.#sums, this.#counts, this.#columns];
    const line = Math.floor((y * height) / this.#of.height) * width;
    // Millions of pixels come by here on a node's only thread: nothing is made for any of them.
    for (let from = 0, column = x; from < row.length; from += 4, column += 1) {
      const pixel = line + (columns[column] ?? 0);
      const to = pixel * CHANNELS;
      counts[pixel] = (counts[pixel] ?? 0) + 1;
      sums[to] = (sums[to] ?? 0) + (row[from + 2] ?? 0);
      sums[to + 1] = (sums[to + 1] ?? 0) + (row[from + 1] ?? 0);
      sums[to + 2] = (sums[to + 2] ?? 0) + (row[from] ?? 0);
    }
  };

  /** What it has become. */
  picture(): Picture {
    const rgb = new Uint8Array(this.#sums.length);
    for (let pixel = 0, at = 0; at < rgb.length; pixel += 1) {
      const count = Math.max(1, this.#counts[pixel] ?? 0);
      for (let channel = 0; channel < CHANNELS; channel += 1, at += 1)
        rgb[at] = Math.round((this.#sums[at] ?? 0) / count);
    }
    return { ...this.size, rgb };
  }
}

/** Row by row, three bytes a pixel: red, green, blue. */
export interface Picture extends ScreenSize {
  readonly rgb: Uint8Array;
}

/** The same, inside of a smaller box. */
export function shrunk(picture: Picture, box: ScreenSize): Picture {
  const { width, height, rgb } = picture;
  const smaller = new Miniature(picture, box);
  if (smaller.size.width === width && smaller.size.height === height) return picture;
  const row = new Uint8Array(width * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0, from = y * width * CHANNELS; x < width; x++, from += CHANNELS) {
      row[x * 4] = rgb[from + 2] ?? 0;
      row[x * 4 + 1] = rgb[from + 1] ?? 0;
      row[x * 4 + 2] = rgb[from] ?? 0;
    }
    smaller.paint(0, y, row);
  }
  return smaller.picture();
}

export function pngOf({ width, height, rgb }: Picture): Uint8Array {
  return encode({ width, height, channels: CHANNELS, depth: 8, data: rgb });
}
