import { ProtocolError } from "./protocol-error.ts";

/** Reads big-endian values off a message that is already complete; running short is a ProtocolError. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4));
  }

  /** The next `length` bytes, as a view on the message, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  skip(length: number): void {
    this.#advance(length);
  }

  #advance(length: number): number {
    const start = this.#offset;
    if (length > this.remaining) throw new ProtocolError("message too short", this.#bytes.length);
    this.#offset += length;
    return start;
  }
}

/** Collects big-endian values into one message. Calls chain, one per field, so that code reads like the RFC. */
export class ByteWriter {
  readonly #parts: Uint8Array[] = [];

  u8(value: number): this {
    return this.bytes(Uint8Array.of(value));
  }

  u16(value: number): this {
    const part = new DataView(new ArrayBuffer(2));
    part.setUint16(0, value);
    return this.bytes(new Uint8Array(part.buffer));
  }

  u32(value: number): this {
    const part = new DataView(new ArrayBuffer(4));
    part.setUint32(0, value);
    return this.bytes(new Uint8Array(part.buffer));
  }

  /** Signed: two's complement, as RFB's encoding types and extended clipboard lengths are. */
  i32(value: number): this {
    return this.u32(value >>> 0);
  }

  bytes(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  padding(length: number): this {
    return this.bytes(new Uint8Array(length));
  }

  finish(): Uint8Array<ArrayBuffer> {
    return concat(this.#parts);
  }
}

export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Each is an argument of a call. */
const CHARACTERS_AT_ONCE = 4_096;

/** One character per byte, both ways: RFB's strings are Latin-1 and its handshake lines ASCII. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  // Character by character the text would be a chain of as many strings, which takes thirty times its memory.
  for (let start = 0; start < bytes.length; start += CHARACTERS_AT_ONCE)
    text += String.fromCharCode(...bytes.subarray(start, start + CHARACTERS_AT_ONCE));
  return text;
}

/** Characters outside Latin-1 become `?`, as RFC 6143 knows no others. */
export function fromLatin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0x3f;
    return code > 0xff ? 0x3f : code;
  });
}
