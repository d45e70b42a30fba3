import type { Area } from "#protocols/rfb/messages.ts";
import type { Channel, PixelFormat } from "#protocols/rfb/pixel-format.ts";
import type { Canvas } from "./canvas.ts";

/** Turns colours into one viewer's pixels, as Raw encoding wants them (RFC 6143 §7.7.1). */
export class PixelWriter {
  readonly #bytesPerPixel: number;
  readonly #bigEndian: boolean;
  /** A channel's 256 values, scaled and shifted to where the format has them. */
  readonly #red: Uint32Array;
  readonly #green: Uint32Array;
  readonly #blue: Uint32Array;
  /** The bits that no channel uses, set: old noVNC (Debian's 1.3) takes them for opacity. */
  readonly #unused: number;

  constructor(format: PixelFormat) {
    this.#bytesPerPixel = format.bitsPerPixel / 8;
    this.#bigEndian = format.bigEndian;
    this.#red = channelTable(format.red);
    this.#green = channelTable(format.green);
    this.#blue = channelTable(format.blue);
    this.#unused = ~[format.red, format.green, format.blue].reduce(
      (bits, { max, shift }) => bits | (max << shift),
      0,
    );
  }

  write(canvas: Canvas, { x, y, width, height }: Area): Uint8Array {
    const size = this.#bytesPerPixel;
    const pixels = new Uint8Array(width * height * size);
    let offset = 0;
    for (let row = y; row < y + height; row++) {
      for (let place = row * canvas.width + x; place < row * canvas.width + x + width; place++) {
        const value = this.#value(canvas.pixels[place] ?? 0);
        for (let byte = 0; byte < size; byte++) {
          const shift = 8 * (this.#bigEndian ? size - 1 - byte : byte);
          pixels[offset++] = value >>> shift;
        }
      }
    }
    return pixels;
  }

  #value(colour: number): number {
    const red = this.#red[colour >>> 16] ?? 0;
    const green = this.#green[(colour >>> 8) & 0xff] ?? 0;
    const blue = this.#blue[colour & 0xff] ?? 0;
    return red | green | blue | this.#unused;
  }
}

/** Whether pixels can be written in a format. Colour maps cannot: they went out of use with the screens. */
export function isWritable({ bitsPerPixel, trueColour, red, green, blue }: PixelFormat): boolean {
  const fits = ({ max, shift }: Channel) => max > 0 && shift < 32 && max * 2 ** shift < 2 ** bitsPerPixel;
  return trueColour && [8, 16, 32].includes(bitsPerPixel) && [red, green, blue].every(fits);
}

function channelTable({ max, shift }: Channel): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, value) => Math.round((value * max) / 255) << shift);
}
