import { setTimeout } from "node:timers/promises";

const FIRST_MS = 200;
const LONGEST_MS = 10_000;

/** Waits between tries: each about twice as long as the one before, and never two nodes alike. */
export class Backoff {
  #tries = 0;

  /** Milliseconds until the next try: between half and all of the step it has come to. */
  next(): number {
    const step = Math.min(FIRST_MS * 2 ** this.#tries, LONGEST_MS);
    this.#tries += 1;
    return step / 2 + (Math.random() * step) / 2;
  }

  reset(): void {
    this.#tries = 0;
  }

  /** Rejects when the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    await setTimeout(this.next(), undefined, { signal });
  }
}
