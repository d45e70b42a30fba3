import { ByteReader, ByteWriter } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";

const limits = {
  /** libvirt: REMOTE_STRING_MAX. */
  stringBytes: 4 * 1024 * 1024,
} as const;

/** Everything is padded to this: RFC 4506, section 3. */
const UNIT_BYTES = 4;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads XDR (RFC 4506) off a message that is already complete. What is wrong with it is a ProtocolError. */
export class XdrReader {
  readonly #reader: ByteReader;

  constructor(bytes: Uint8Array) {
    this.#reader = new ByteReader(bytes);
  }

  get remaining(): number {
    return this.#reader.remaining;
  }

  uint(): number {
    return this.#reader.u32();
  }

  int(): number {
    return this.#reader.i32();
  }

  fixedOpaque(length: number): Uint8Array {
    const bytes = this.#reader.bytes(length);
    this.#reader.skip(paddingOf(length));
    return bytes;
  }

  string(): string {
    const length = this.#reader.u32();
    if (length > limits.stringBytes) throw new ProtocolError("string too long", length);
    try {
      return decoder.decode(this.fixedOpaque(length));
    } catch (cause) {
      if (cause instanceof ProtocolError) throw cause;
      throw new ProtocolError("string is not UTF-8");
    }
  }

  optional<Value>(read: (reader: this) => Value): Value | undefined {
    const flag = this.#reader.u32();
    if (flag > 1) throw new ProtocolError("neither there nor not there", flag);
    return flag === 0 ? undefined : read(this);
  }

  /** At most `max` of them; each takes a unit at least, so what claims more than it brings ends at once. */
  array<Value>(max: number, read: (reader: this) => Value): Value[] {
    const length = this.#reader.u32();
    if (length > max || length * UNIT_BYTES > this.remaining)
      throw new ProtocolError("array too long", length);
    return Array.from({ length }, () => read(this));
  }

  /** What is left over belongs to another message than was meant. */
  end(): void {
    if (this.remaining > 0) throw new ProtocolError("message too long", this.remaining);
  }
}

/** Collects XDR; calls chain, one per field. */
export class XdrWriter {
  readonly #writer = new ByteWriter();

  uint(value: number): this {
    this.#writer.u32(value);
    return this;
  }

  int(value: number): this {
    this.#writer.i32(value);
    return this;
  }

  fixedOpaque(bytes: Uint8Array): this {
    this.#writer.bytes(bytes).padding(paddingOf(bytes.length));
    return this;
  }

  string(text: string): this {
    const bytes = new TextEncoder().encode(text);
    return this.uint(bytes.length).fixedOpaque(bytes);
  }

  optional<Value>(value: Value | undefined, write: (writer: this, value: Value) => void): this {
    this.uint(value === undefined ? 0 : 1);
    if (value !== undefined) write(this, value);
    return this;
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#writer.finish();
  }
}

function paddingOf(length: number): number {
  return (UNIT_BYTES - (length % UNIT_BYTES)) % UNIT_BYTES;
}
