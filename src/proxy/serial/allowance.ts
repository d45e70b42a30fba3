interface Rate {
  /** At once. */
  readonly burst: number;
  readonly perSecond: number;
}

/** So much at once, and so much in every second: what comes beyond that is not to be done. */
export class Allowance {
  readonly #rate: Rate;
  #left: number;
  #at: number;

  /** Times are in milliseconds, and never go back. */
  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#left = rate.burst;
    this.#at = now;
  }

  /** Whether one more may be done, which then counts. */
  take(now: number): boolean {
    const { burst, perSecond } = this.#rate;
    this.#left = Math.min(burst, this.#left + ((now - this.#at) / 1000) * perSecond);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
