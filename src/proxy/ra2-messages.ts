import { ByteQueue } from "#base/byte-queue.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { AesEax, TAG_BYTES } from "./aes-eax.ts";

const LENGTH_BYTES = 2;

const limits = {
  /** Of one message of ours; TigerVNC takes no more. */
  messageBytes: 8192,
} as const;

/** What is said to a server of RA2: messages with their length before them, and a tag behind. */
export class Ra2Sealing {
  readonly #eax: AesEax;
  readonly #number = new MessageNumber();

  constructor(key: Uint8Array) {
    this.#eax = new AesEax(key);
  }

  seal(bytes: Uint8Array): Buffer {
    const sealed: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += limits.messageBytes) {
      const plain = bytes.subarray(at, at + limits.messageBytes);
      const header = Buffer.alloc(LENGTH_BYTES);
      header.writeUInt16BE(plain.length);
      sealed.push(header, this.#eax.seal(this.#number.next(), header, plain));
    }
    return Buffer.concat(sealed);
  }
}

/** What a server of RA2 says. */
export class Ra2Opening {
  readonly #eax: AesEax;
  readonly #number = new MessageNumber();
  /** With a message that is not whole yet: 64 kB at most. */
  readonly #heard = new ByteQueue();

  constructor(key: Uint8Array) {
    this.#eax = new AesEax(key);
  }

  /** What stands in the messages that are whole now. Throws a ProtocolError, and is of no more use then. */
  *push(chunk: Uint8Array): Generator<Buffer> {
    this.#heard.push(chunk);
    for (;;) {
      const [high, low] = this.#heard.peek(LENGTH_BYTES);
      if (high === undefined || low === undefined) return;
      const length = LENGTH_BYTES + ((high << 8) | low) + TAG_BYTES;
      if (this.#heard.length < length) return;
      const message = this.#heard.take(length);
      const [header, sealed] = [message.subarray(0, LENGTH_BYTES), message.subarray(LENGTH_BYTES)];
      const plain = this.#eax.open(this.#number.next(), header, sealed);
      if (plain === undefined) throw new ProtocolError("a message was changed on its way");
      yield plain;
    }
  }
}

/** Each message of a direction has one of its own, which is never said. */
class MessageNumber {
  readonly #number = Buffer.alloc(16);
  #isFirst = true;

  next(): Uint8Array {
    if (!this.#isFirst) this.#count();
    this.#isFirst = false;
    return this.#number;
  }

  /** Little-endian. */
  #count(): void {
    for (const [index, byte] of this.#number.entries()) {
      this.#number[index] = byte + 1;
      if (byte !== 0xff) return;
    }
  }
}
