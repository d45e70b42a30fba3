import { ByteReader, ByteWriter } from "#base/bytes.ts";

export const PIXEL_FORMAT_BYTES = 16;

/** RFC 6143 §7.4 PIXEL_FORMAT: how one pixel's value is laid out. */
export interface PixelFormat {
  /** 8, 16 or 32. */
  readonly bitsPerPixel: number;
  readonly depth: number;
  readonly bigEndian: boolean;
  readonly trueColour: boolean;
  readonly red: Channel;
  readonly green: Channel;
  readonly blue: Channel;
}

/** A channel's value is `(pixel >> shift) & max`, so `max` is a power of two less one. */
export interface Channel {
  readonly max: number;
  readonly shift: number;
}

/** What most servers and viewers speak: the bytes of a pixel are blue, green, red and one without meaning. */
export const TRUE_COLOUR_32: PixelFormat = {
  bitsPerPixel: 32,
  depth: 24,
  bigEndian: false,
  trueColour: true,
  red: { max: 255, shift: 16 },
  green: { max: 255, shift: 8 },
  blue: { max: 255, shift: 0 },
};

export function encodePixelFormat({ red, green, blue, ...format }: PixelFormat): Uint8Array<ArrayBuffer> {
  return new ByteWriter()
    .u8(format.bitsPerPixel)
    .u8(format.depth)
    .u8(Number(format.bigEndian))
    .u8(Number(format.trueColour))
    .u16(red.max)
    .u16(green.max)
    .u16(blue.max)
    .u8(red.shift)
    .u8(green.shift)
    .u8(blue.shift)
    .padding(3)
    .finish();
}

/** Reads any 16 bytes; whether the format makes sense is for whoever has to paint with it. */
export function parsePixelFormat(bytes: Uint8Array): PixelFormat {
  const reader = new ByteReader(bytes);
  const [bitsPerPixel, depth] = [reader.u8(), reader.u8()];
  const [bigEndian, trueColour] = [reader.u8() !== 0, reader.u8() !== 0];
  const [redMax, greenMax, blueMax] = [reader.u16(), reader.u16(), reader.u16()];
  const [redShift, greenShift, blueShift] = [reader.u8(), reader.u8(), reader.u8()];
  return {
    bitsPerPixel,
    depth,
    bigEndian,
    trueColour,
    red: { max: redMax, shift: redShift },
    green: { max: greenMax, shift: greenShift },
    blue: { max: blueMax, shift: blueShift },
  };
}
