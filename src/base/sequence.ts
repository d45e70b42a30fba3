import { ByteQueue } from "./byte-queue.ts";
import { ProtocolError } from "./protocol-error.ts";

/** What a sequence waits for before it can go on. */
export interface Need {
  readonly bytes: number;
}

/**
 * A handshake as a value: it asks for bytes by yielding a need, says bytes through a function it was given,
 * and returns what it learned. It never touches a socket, so a test can feed it one byte at a time.
 */
export type Sequence<Result> = Generator<Need, Result, Uint8Array>;

const limits = {
  /** The largest single need. Handshake fields are small; whatever asks for more was misled by its peer. */
  needBytes: 64 * 1024,
} as const;

/** Feeds a sequence from chunks of any size, and keeps what the peer sent after its last need. */
export class SequenceDriver<Result> {
  readonly #sequence: Sequence<Result>;
  #step: IteratorResult<Need, Result>;
  readonly #heard = new ByteQueue();

  /** Runs the sequence up to its first need, so it may already have said something. */
  constructor(sequence: Sequence<Result>) {
    this.#sequence = sequence;
    this.#step = sequence.next();
    this.#advance();
  }

  get done(): boolean {
    return this.#step.done === true;
  }

  /** What the sequence returned. Asking before it is done is a mistake of the caller. */
  get result(): Result {
    if (this.#step.done !== true) throw new Error("the sequence is not done");
    return this.#step.value;
  }

  /** The bytes that came after the sequence's last need: the first ones of whatever follows. */
  get rest(): Uint8Array {
    return this.#heard.take(this.#heard.length);
  }

  /** Throws what the sequence throws; after that the driver is of no more use. */
  push(chunk: Uint8Array): void {
    this.#heard.push(chunk);
    this.#advance();
  }

  #advance(): void {
    while (this.#step.done !== true) {
      const { bytes } = this.#step.value;
      if (bytes > limits.needBytes) throw new ProtocolError("field too long", bytes);
      if (bytes > this.#heard.length) return;
      this.#step = this.#sequence.next(this.#heard.take(bytes));
    }
  }
}
