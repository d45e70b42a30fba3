import { setTimeout } from "node:timers/promises";
import { abortable } from "../abortable.ts";
import { withDeadline } from "../deadline.ts";

const limits = {
  /** Between two questions to control that come before their time. */
  everyMs: 1_000,
  /** Who may wait for its answer. Anybody can have something asked for that control does not know either. */
  waiting: 64,
  /** For the answer. Whoever waits may hold a turn at a server meanwhile. */
  waitMs: 2_000,
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

  /**
   * Resolves when they are as control has them now; before that where too many wait for it, where it does not say so in time, and
   * when `left` aborts, as whoever asked has left. Never rejects.
   */
  async settled(left?: AbortSignal): Promise<void> {
    if (this.#waiting >= limits.waiting) return;
    this.#waiting += 1;
    this.#next ??= this.#askNext();
    const answered = this.#next;
    try {
      await withDeadline(limits.waitMs, left, async (inTime) => await abortable(answered, inTime));
    } catch {
      // Not in time.
    } finally {
      this.#waiting -= 1;
    }
  }

  async #askNext(): Promise<void> {
    try {
      const wait = Math.max(0, this.#notBefore - performance.now());
      // Even when it need not wait: whoever comes in the same turn is to find it.
      await setTimeout(wait, undefined, { signal: this.#signal });
    } catch {
      return;
    } finally {
      // From here on it is this question's answer: whoever comes now may be after something newer.
      this.#next = undefined;
    }
    this.#notBefore = performance.now() + limits.everyMs;
    await this.#ask().catch(() => {}); // What control has is not known then, and the next may ask again.
  }
}
