import { createCipheriv, timingSafeEqual } from "node:crypto";

const BLOCK_BYTES = 16;
export const TAG_BYTES = BLOCK_BYTES;

const limits = {
  /** Beyond it a cipher of its own, which has to be made, is faster than single blocks that are counted here. */
  countedBytes: 2048,
} as const;

/** What OMAC begins with, encrypted: with something behind it, or alone. */
interface Kind {
  readonly begun: Uint8Array;
  readonly alone: Uint8Array;
}

/**
 * AES-EAX (Bellare, Rogaway, Wagner: The EAX Mode of Operation), which OpenSSL has not, out of its CBC and its single blocks. Both
 * ciphers are made once for a key: to make one takes longer than a short message does, and a server may send nothing but those.
 */
export class AesEax {
  readonly #key: Uint8Array;
  readonly #cbc;
  readonly #ecb;
  /** What CBC mixes into the next block: its last one. */
  #chained: Uint8Array = Buffer.alloc(BLOCK_BYTES);
  readonly #subkeys: { readonly whole: Uint8Array; readonly padded: Uint8Array };
  readonly #kinds: Readonly<Record<"nonce" | "header" | "cipher", Kind>>;

  /** Of 16 or 32 bytes. */
  constructor(key: Uint8Array) {
    const bits = key.length * 8;
    this.#key = key;
    this.#cbc = createCipheriv(`aes-${bits}-cbc`, key, Buffer.alloc(BLOCK_BYTES)).setAutoPadding(false);
    this.#ecb = createCipheriv(`aes-${bits}-ecb`, key, null).setAutoPadding(false);
    const whole = doubled(this.#ecb.update(Buffer.alloc(BLOCK_BYTES)));
    this.#subkeys = { whole, padded: doubled(whole) };
    const kind = (number: number): Kind => {
      const block = Buffer.concat([Buffer.alloc(BLOCK_BYTES - 1), Buffer.of(number)]);
      const begun = this.#ecb.update(block);
      mix(block, whole);
      return { begun, alone: this.#ecb.update(block) };
    };
    this.#kinds = { nonce: kind(0), header: kind(1), cipher: kind(2) };
  }

  /** The ciphertext, with its tag behind it. */
  seal(nonce: Uint8Array, header: Uint8Array, plain: Uint8Array): Buffer {
    const counter = this.#omac(this.#kinds.nonce, nonce);
    const cipher = this.#ctr(counter, plain);
    return Buffer.concat([cipher, this.#tag(counter, header, cipher)]);
  }

  /** Undefined where it was not sealed with this key, nonce and header. */
  open(nonce: Uint8Array, header: Uint8Array, sealed: Uint8Array): Buffer | undefined {
    const cipher = sealed.subarray(0, -TAG_BYTES);
    const counter = this.#omac(this.#kinds.nonce, nonce);
    const isOurs = timingSafeEqual(this.#tag(counter, header, cipher), sealed.subarray(-TAG_BYTES));
    return isOurs ? this.#ctr(counter, cipher) : undefined;
  }

  #tag(counter: Uint8Array, header: Uint8Array, cipher: Uint8Array): Buffer {
    const tag = Buffer.from(counter);
    mix(tag, this.#omac(this.#kinds.header, header));
    mix(tag, this.#omac(this.#kinds.cipher, cipher));
    return tag;
  }

  #ctr(counter: Uint8Array, bytes: Uint8Array): Buffer {
    if (bytes.length > limits.countedBytes)
      return createCipheriv(`aes-${this.#key.length * 8}-ctr`, this.#key, counter).update(bytes);
    const block = Buffer.from(counter);
    const stream = Buffer.allocUnsafe(paddedLength(bytes.length));
    for (let at = 0; at < stream.length; at += BLOCK_BYTES) {
      stream.set(block, at);
      countUp(block);
    }
    const out = this.#ecb.update(stream).subarray(0, bytes.length);
    mix(out, bytes);
    return out;
  }

  /** OMAC^t: CMAC (NIST SP 800-38B) of what is told apart by a block before it. */
  #omac({ begun, alone }: Kind, bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return alone;
    const isWhole = bytes.length % BLOCK_BYTES === 0;
    const blocks = Buffer.alloc(paddedLength(bytes.length));
    blocks.set(bytes);
    if (!isWhole) blocks[bytes.length] = 0x80;
    mix(blocks.subarray(-BLOCK_BYTES), isWhole ? this.#subkeys.whole : this.#subkeys.padded);
    mix(blocks, begun);
    return this.#cbcMac(blocks);
  }

  /** As if CBC began anew: what it would mix in is taken out beforehand. Writes into `blocks`. */
  #cbcMac(blocks: Buffer): Uint8Array {
    mix(blocks, this.#chained);
    // A copy, so that nothing of a long message stays.
    this.#chained = Uint8Array.prototype.slice.call(this.#cbc.update(blocks), -BLOCK_BYTES);
    return this.#chained;
  }
}

function paddedLength(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

/** Adds one to a block, as CTR counts. */
function countUp(block: Buffer): void {
  for (let index = BLOCK_BYTES - 1; index >= 0; index -= 1) {
    const byte = ((block[index] ?? 0) + 1) & 0xff;
    block[index] = byte;
    if (byte !== 0) return;
  }
}

/** Doubling in GF(2^128). */
function doubled(block: Uint8Array): Uint8Array {
  const shifted = block.map((byte, index) => (byte << 1) | ((block[index + 1] ?? 0) >> 7));
  if (((block[0] ?? 0) & 0x80) !== 0) shifted[BLOCK_BYTES - 1] = (shifted[BLOCK_BYTES - 1] ?? 0) ^ 0x87;
  return shifted;
}

/** Exclusive or, into the first. */
function mix(into: Uint8Array, from: Uint8Array): void {
  const length = Math.min(into.length, from.length);
  for (let index = 0; index < length; index += 1) into[index] = (into[index] ?? 0) ^ (from[index] ?? 0);
}
