import { ProtocolError } from "#base/protocol-error.ts";
import { isSound } from "./picture-size.ts";

const limits = {
  /** Before the first scan: tables, a colour profile in pieces, comments. */
  segments: 256,
} as const;

/** ITU-T T.81, table B.1. */
const MARKER = { startOfImage: 0xd8, endOfImage: 0xd9, startOfScan: 0xda } as const;
/** Baseline, extended and progressive, by Huffman: what everybody shows. */
const FRAMES: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xc2]);
/** DHT, DQT, DRI, APPn and COM: the others have no length, or are of kinds that nobody shows. */
const isTable = (marker: number) =>
  marker === 0xc4 || marker === 0xdb || marker === 0xdd || marker === 0xfe || (marker & 0xf0) === 0xe0;

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === MARKER.startOfImage && bytes[2] === 0xff;
}

/** A JPEG as it is, once it is known that it is one to the beginning of its first scan, how large it is, and that it has an end. Throws a ProtocolError. */
export function judgedJpeg(bytes: Uint8Array): Uint8Array {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let hasFrame = false;
  let at = 2;
  for (let read = 0; read < limits.segments; read += 1) {
    const segment = segmentAt(data, at);
    const { marker, body, end } = segment;
    if (FRAMES.has(marker)) {
      if (hasFrame) throw new ProtocolError("a JPEG of several frames", marker);
      judgeFrame(body);
      hasFrame = true;
    } else if (marker === MARKER.startOfScan) {
      if (!hasFrame) throw new ProtocolError("a JPEG without a frame", marker);
      if (data.lastIndexOf(Buffer.of(0xff, MARKER.endOfImage)) < end)
        throw new ProtocolError("a JPEG without an end", data.length);
      return bytes;
    } else if (!isTable(marker)) throw new ProtocolError("a JPEG of another kind", marker);
    at = end;
  }
  throw new ProtocolError("a JPEG of too many segments", limits.segments);
}

/** T.81, B.1.1.4: a marker, before which any number of bytes may be that fill, a length that counts itself, and the rest. */
function segmentAt(data: Buffer, start: number) {
  let at = start;
  while (data[at] === 0xff && data[at + 1] === 0xff) at += 1;
  const marker = data[at] === 0xff ? data[at + 1] : undefined;
  if (marker === undefined || at + 4 > data.length)
    throw new ProtocolError("a JPEG that breaks off", data.length);
  const end = at + 2 + data.readUInt16BE(at + 2);
  if (end < at + 4 || end > data.length) throw new ProtocolError("a JPEG that breaks off", data.length);
  return { marker, body: data.subarray(at + 4, end), end };
}

/** T.81, B.2.2: bits of a sample, lines, samples in a line, and three bytes for each component. */
function judgeFrame(body: Buffer): void {
  const components = body[5] ?? 0;
  if (body[0] !== 8 || ![1, 3, 4].includes(components) || body.length !== 6 + 3 * components)
    throw new ProtocolError("a JPEG of another kind", body.toString("hex", 0, 6));
  const [height, width] = [body.readUInt16BE(1), body.readUInt16BE(3)];
  if (!isSound(width, height)) throw new ProtocolError("a JPEG of another size", `${width} ${height}`);
}
