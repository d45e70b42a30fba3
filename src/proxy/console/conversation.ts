import { type Sequence, SequenceDriver } from "#base/sequence.ts";

/** Somebody who speaks in chunks and can be asked to wait. */
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
 * Runs the sequences of a handshake on what one peer says, one after the other, each with a deadline. Between them
 * the peer is paused, and what it said too early is kept for the next: no more than it had under way.
 */
export class Conversation {
  readonly #speaker: Speaker;
  #early: Uint8Array[] = [];
  #listening: Listening | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(speaker: Speaker) {
    this.#speaker = speaker;
  }

  /** What the peer said. */
  push(chunk: Uint8Array): void {
    if (this.#listening === undefined) this.#early.push(chunk);
    else this.#feed(this.#listening, chunk);
  }

  /** The peer is gone: whoever waits for it, now or later, gets this error. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#listening?.reject(error);
  }

  /**
   * Rejects with what the sequence throws, with the peer's failure, or, after `deadlineMs`, with what `late` makes.
   */
  async run<Result>(
    start: () => Sequence<Result>,
    { deadlineMs, late }: { readonly deadlineMs: number; readonly late: () => Error },
  ): Promise<Result> {
    if (this.#failure !== undefined) throw this.#failure.error;
    const driver = new SequenceDriver(start());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(late()), deadlineMs);
    this.#listening = { driver, resolve, reject };
    try {
      this.#speaker.resume();
      for (const chunk of this.#early.splice(0)) this.push(chunk);
      if (driver.done) resolve();
      await promise;
      return driver.result;
    } finally {
      clearTimeout(timer);
      this.#listening = undefined;
      this.#speaker.pause();
    }
  }

  /** What the peer said beyond the last sequence. Reading it empties it. */
  takeEarly(): readonly Uint8Array[] {
    return this.#early.splice(0);
  }

  #feed({ driver, resolve, reject }: Listening, chunk: Uint8Array): void {
    if (driver.done) {
      this.#early.push(chunk);
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
    if (rest.length > 0) this.#early.push(rest);
    this.#speaker.pause();
    resolve();
  }
}
