import { setTimeout } from "node:timers/promises";

const limits = {
  /** Between two questions to control that come before their time. */
  everyMs: 1_000,
  /** Who may wait for its answer. Anybody can have something asked for that control does not know either. */
  waiting: 64,
} as const;

/**
 * Control's settings before their time, which is that of the next heartbeat: for what is not as they had it last, and may have changed
 * since. However many ask, control is asked once for all of them, and once a second.
 */
export class AskingAnew {
  readonly #ask: () => Promise<void>;
  readonly #signal: AbortSignal;
  /** Will ask control, and has not yet: whoever comes now is answered by it. */
  #next: Promise<void> | undefined;
  #notBefore = 0;
  #waiting = 0;

  /** `ask` keeps what control says; the signal ends the waiting. */
  constructor({ ask, signal }: { readonly ask: () => Promise<void>; readonly signal: AbortSignal }) {
    this.#ask = ask;
    this.#signal = signal;
  }

  /** Resolves when they are as control has them now, as far as it can be asked, and at once where too many wait for that. Never rejects. */
  async settled(): Promise<void> {
    if (this.#waiting >= limits.waiting) return;
    this.#waiting += 1;
    this.#next ??= this.#askNext();
    await this.#next;
    this.#waiting -= 1;
  }

  async #askNext(): Promise<void> {
    try {
      const wait = Math.max(0, this.#notBefore - performance.now());
      // Even when it need not wait: whoever comes in the same turn is to find it.
      await setTimeout(wait, undefined, { signal: this.#signal });
      this.#notBefore = performance.now() + limits.everyMs;
      this.#next = undefined;
      await this.#ask();
    } catch {
      this.#next = undefined;
    }
  }
}
