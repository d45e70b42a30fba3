import type { Clock } from "#base/clock.ts";
import type { TicketPurpose } from "../services.ts";

const limits = {
  /** Pairs of account and machine that are remembered; of those that are forgotten one row more is written. */
  pairs: 10_000,
  againMs: 60 * 60 * 1000,
} as const;

interface Order {
  readonly purpose: TicketPurpose;
  readonly account: { readonly id: string };
  readonly machine: { readonly id: string };
}

/**
 * Which issues the audit log tells: every console, and of pictures the first in an hour. A dashboard asks for thousands of
 * them, and a row for each would drown what people do.
 */
export class Pictures {
  readonly #clock: Clock;
  /** When each pair was told last; in the order of that. */
  readonly #told = new Map<string, number>();
  /** A transaction that is run again asks again: it is told what it was told before. */
  readonly #worth = new WeakSet<Order>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isWorthTelling(order: Order): boolean {
    const { purpose, account, machine } = order;
    if (purpose === "console" || this.#worth.has(order)) return true;
    const pair = `${account.id} ${machine.id}`;
    const now = this.#clock.now();
    const last = this.#told.get(pair);
    if (last !== undefined && now - last < limits.againMs) return false;
    this.#worth.add(order);
    this.#told.delete(pair);
    this.#told.set(pair, now);
    const [oldest] = this.#told.keys();
    if (this.#told.size > limits.pairs && oldest !== undefined) this.#told.delete(oldest);
    return true;
  }
}
