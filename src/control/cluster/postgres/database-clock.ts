import type { Clock } from "#base/clock.ts";

/** Between two measurements that differ by less, clocks did not move: it is the way of the answers that differs. */
const JITTER_MS = 5;

/**
 * The time of the database, as this replica knows it: so replicas agree on it, and one whose own clock is off does no
 * harm. Between two measurements it goes as the replica's clock goes.
 */
export class DatabaseClock implements Clock {
  readonly #own: Clock;
  #offsetMs = 0;

  constructor(own: Clock) {
    this.#own = own;
  }

  now(): number {
    return this.#own.now() + Math.round(this.#offsetMs);
  }

  /** `ask` resolves to the database's time at some moment between its begin and its end. */
  async measure(ask: () => Promise<number>): Promise<void> {
    const before = this.#own.now();
    const time = await ask();
    const after = this.#own.now();
    const offset = time - (before + after) / 2;
    const uncertainty = (after - before) / 2 + JITTER_MS;
    if (Math.abs(offset - this.#offsetMs) > uncertainty) this.#offsetMs = offset;
  }
}
