import { performance } from "node:perf_hooks";
import type { Clock } from "#base/clock.ts";

/**
 * Control's clock as the node knows it, by which tickets are judged. Between two answers it goes on with the
 * monotonic clock, so setting the machine's clock changes nothing. Wrong by half a round trip at most.
 */
export class ControlClock implements Clock {
  readonly #monotonic: () => number;
  #offset = 0;

  constructor(monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic;
    this.#offset = Date.now() - monotonic();
  }

  /** Runs a call that is answered with control's time, and takes that time over. */
  async measure<Answer extends { readonly now: number }>(call: () => Promise<Answer>): Promise<Answer> {
    const sentAt = this.#monotonic();
    const answer = await call();
    this.#offset = answer.now - (sentAt + this.#monotonic()) / 2;
    return answer;
  }

  /** Milliseconds since 1970, by control's clock. */
  now(): number {
    return Math.round(this.#monotonic() + this.#offset);
  }
}
