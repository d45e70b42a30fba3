import { promisify } from "node:util";
import { crc32, deflate } from "node:zlib";
import { ProtocolError } from "#base/protocol-error.ts";
import type { Picture } from "./driver.ts";
import { isSound } from "./picture-size.ts";

const limits = {
  /** Within which a PPM has its header: four words, and room for a comment. */
  headerBytes: 1_024,
} as const;

const CHANNELS = 3;
const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Behind a PNG's signature: IHDR with its length, its name, its bytes and their checksum. */
const HEADER_END = SIGNATURE.length + 4 + 4 + 13 + 4;
const compress = promisify(deflate);

/** A platform's picture as PNG. Compressing happens beside this thread. Throws a ProtocolError for what is no picture. */
export async function toPng({ mediaType, bytes }: Picture): Promise<Uint8Array> {
  if (SIGNATURE.every((byte, index) => bytes[index] === byte)) return judgedPng(bytes);
  if (bytes[0] === 0x50 && bytes[1] === 0x36) return await written(readPpm(bytes));
  throw new ProtocolError("a picture that is neither PNG, PPM nor JPEG", mediaType);
}

/** ISO/IEC 15948, 11.2.2: IHDR is the first of the chunks, and has thirteen bytes, of which the first eight are the size. */
function judgedPng(png: Uint8Array): Uint8Array {
  const head = Buffer.from(png.buffer, png.byteOffset, png.byteLength).subarray(SIGNATURE.length, HEADER_END);
  const isHeader = head.length === HEADER_END - SIGNATURE.length && head.readUInt32BE(0) === 13;
  if (!isHeader || head.toString("latin1", 4, 8) !== "IHDR")
    throw new ProtocolError("a PNG without a header", head.toString("hex", 0, 32));
  const [width, height] = [head.readUInt32BE(8), head.readUInt32BE(12)];
  if (!isSound(width, height)) throw new ProtocolError("a PNG of another size", `${width} ${height}`);
  return png;
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Row by row, three bytes a pixel. */
  readonly rgb: Uint8Array;
}

/** Netpbm's ppm(5), raw, with a byte for each colour. */
function readPpm(bytes: Uint8Array): Pixels {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, limits.headerBytes));
  const match = /^P6(?:\s|#[^\n]*\n)+(\d{1,5})\s+(\d{1,5})\s+(\d{1,5})\s/.exec(head.toString("latin1"));
  if (match === null) throw new ProtocolError("a PPM without a header", head.toString("hex", 0, 32));
  const [width = 0, height = 0, most] = match.slice(1).map(Number);
  if (!isSound(width, height) || most !== 255)
    throw new ProtocolError("a PPM of another kind", match.slice(1).join(" "));
  const rgb = bytes.subarray(match[0].length);
  if (rgb.length !== width * height * CHANNELS)
    throw new ProtocolError("a PPM of another length than its header says", rgb.length);
  return { width, height, rgb };
}

/** PNG (ISO/IEC 15948), eight bits a colour, rows as they are. */
async function written({ width, height, rgb }: Pixels): Promise<Uint8Array> {
  const stride = width * CHANNELS;
  // A byte before each row says how it is filtered: not at all.
  const rows = Buffer.alloc((stride + 1) * height);
  for (let y = 0; y < height; y++) rows.set(rgb.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8); // bit depth, colour type RGB; then the only methods that there are, and no interlacing
  const data = await compress(rows, { level: 4 });
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", header),
    chunk("IDAT", data),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const typed = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const whole = Buffer.alloc(4 + typed.length + 4);
  whole.writeUInt32BE(data.length, 0);
  whole.set(typed, 4);
  whole.writeUInt32BE(crc32(typed), 4 + typed.length);
  return whole;
}
