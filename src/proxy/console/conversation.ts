import { type Sequence, SequenceDriver } from "#base/sequence.ts";

/** Somebody who speaks in chunks and can be asked to wait. What it says meanwhile may still come, if it was under way. */
export interface Speaker {
  pause(): void;
  resume(): void;
}

interface Listening {
  readonly driver: SequenceDriver<unknown>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs the sequences of a handshake on what one peer says, one after the other, each with a deadline. A peer that
 * says more than it was asked for is paused, and what it said is kept: no more than it had under way.
 */
export class Conversation {
  readonly #speaker: Speaker;
  #early: Uint8Array[] = [];
  #isPaused = false;
  #listening: Listening | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(speaker: Speaker) {
    this.#speaker = speaker;
  }

  /** What the peer said. */
  push(chunk: Uint8Array): void {
    if (this.#listening === undefined) this.#keep(chunk);
    else this.#feed(this.#listening, chunk);
  }

  /** The peer is gone: whoever waits for it, now or later, gets this error. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#listening?.reject(error);
  }

  /** Throws the peer's failure, if it is gone: for who waits for somebody else meanwhile. */
  requirePeer(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /**
   * Rejects with what the sequence throws, with the peer's failure, or, after `deadlineMs`, with what `late` makes.
   */
  async run<Result>(
    start: () => Sequence<Result>,
    { deadlineMs, late }: { readonly deadlineMs: number; readonly late: () => Error },
  ): Promise<Result> {
    this.requirePeer();
    const driver = new SequenceDriver(start());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(late()), deadlineMs);
    this.#listening = { driver, resolve, reject };
    try {
      this.#goOn();
      for (const chunk of this.#early.splice(0)) this.push(chunk);
      if (driver.done) resolve();
      await promise;
      return driver.result;
    } finally {
      clearTimeout(timer);
      this.#listening = undefined;
    }
  }

  /** What the peer said beyond the last sequence. Reading it empties it. */
  takeEarly(): readonly Uint8Array[] {
    return this.#early.splice(0);
  }

  #feed({ driver, resolve, reject }: Listening, chunk: Uint8Array): void {
    if (driver.done) {
      this.#keep(chunk);
      return;
    }
    try {
      driver.push(chunk);
    } catch (error) {
      reject(error);
      return;
    }
    if (!driver.done) return;
    const rest = driver.rest;
    if (rest.length > 0) this.#keep(rest);
    resolve();
  }

  #keep(chunk: Uint8Array): void {
    this.#early.push(chunk);
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#speaker.pause();
  }

  #goOn(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#speaker.resume();
  }
}
