/**
 * WebSocket framing (RFC 6455 §5.2) by hand, for the load generator alone: it must cost less than anything
 * it measures, so it allocates nothing per frame and never touches a payload.
 */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Any key but zero will do: with zero, `ws` would skip the unmasking that every real viewer causes. */
const MASK = [0x37, 0xfa, 0x21, 0x3d] as const;

/** A whole frame as a viewer sends it, masked. Built once and sent many times where the payload allows. */
export function viewerFrame(opcode: number, payload: Uint8Array): Buffer {
  if (payload.length > 0xffff) throw new RangeError("the generator sends short frames only");
  const extended = payload.length > 125;
  const frame = Buffer.alloc((extended ? 8 : 6) + payload.length);
  frame[0] = 0x80 | opcode; // FIN
  frame[1] = 0x80 | (extended ? 126 : payload.length); // MASK, length
  if (extended) frame.writeUInt16BE(payload.length, 2);
  const start = frame.length - payload.length;
  frame.set(MASK, start - 4);
  for (const [index, byte] of payload.entries()) frame[start + index] = byte ^ (MASK[index % 4] ?? 0);
  return frame;
}

const EMPTY: Buffer = Buffer.alloc(0);

/** Called with every piece of a payload, in order; `last` with the one that ends its frame. */
export type PieceSink = (
  opcode: number,
  piece: { chunk: Buffer; start: number; end: number; last: boolean },
) => void;

/** Finds the payloads in what a server sends (unmasked), however it was cut. */
export class FrameReader {
  readonly #sink: PieceSink;
  readonly #header = Buffer.alloc(10);
  /** One object for all calls: a sink uses it at once or not at all. */
  readonly #piece = { chunk: EMPTY, start: 0, end: 0, last: false };
  #headerBytes = 0;
  #left = 0;

  constructor(sink: PieceSink) {
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at = this.#left > 0 ? this.#payload(chunk, at) : this.#headerByte(chunk, at);
  }

  #payload(chunk: Buffer, start: number): number {
    const end = Math.min(start + this.#left, chunk.length);
    this.#left -= end - start;
    this.#give(chunk, start, end);
    return end;
  }

  #headerByte(chunk: Buffer, at: number): number {
    this.#header[this.#headerBytes++] = chunk[at] ?? 0;
    if (this.#headerBytes === this.#headerLength()) {
      this.#headerBytes = 0;
      this.#left = this.#payloadLength();
      if (this.#left === 0) this.#give(chunk, at + 1, at + 1);
    }
    return at + 1;
  }

  #give(chunk: Buffer, start: number, end: number): void {
    const piece = this.#piece;
    piece.chunk = chunk;
    piece.start = start;
    piece.end = end;
    piece.last = this.#left === 0;
    this.#sink((this.#header[0] ?? 0) & 0x0f, piece);
  }

  #headerLength(): number {
    if (this.#headerBytes < 2) return 2;
    const length = (this.#header[1] ?? 0) & 0x7f;
    if (length === 127) return 10;
    return length === 126 ? 4 : 2;
  }

  #payloadLength(): number {
    const length = (this.#header[1] ?? 0) & 0x7f;
    if (length === 127) return Number(this.#header.readBigUInt64BE(2));
    return length === 126 ? this.#header.readUInt16BE(2) : length;
  }
}
