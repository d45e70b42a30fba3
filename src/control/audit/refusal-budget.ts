import type { Clock } from "#base/clock.ts";

const limits = {
  windowMs: 60_000,
  /** Rows in a window about whoever nobody knows, all of them together; and the same about failed sign-ins. */
  strangers: 30,
  /** The same about one account or one node. */
  known: 60,
  /** Accounts and nodes that are told apart in a window; those that come later count as strangers. */
  sources: 1_000,
} as const;

/** Whom a refusal counts for: an account or a node, or all of those whom nobody knows. */
export type RefusalSource = "stranger" | "signing in" | { readonly id: string };

/** How many refusals are written down in a minute. What is beyond is counted. */
export class RefusalBudget {
  readonly #clock: Clock;
  readonly #taken = new Map<string, number>();
  #endsAt = 0;
  #omitted = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether one more may be written. */
  take(source: RefusalSource): boolean {
    this.#roll();
    const id = typeof source === "string" ? undefined : source.id;
    const isTold = id !== undefined && (this.#taken.has(id) || this.#taken.size < limits.sources);
    const key = isTold ? id : typeof source === "string" ? source : "stranger";
    const taken = this.#taken.get(key) ?? 0;
    if (taken >= (isTold ? limits.known : limits.strangers)) {
      this.#omitted += 1;
      return false;
    }
    this.#taken.set(key, taken + 1);
    return true;
  }

  /** How many were omitted since this was asked last, if their minute is over. */
  collectOmitted(when: "over" | "now"): number {
    if (when === "over" && this.#clock.now() < this.#endsAt) return 0;
    const omitted = this.#omitted;
    this.#omitted = 0;
    return omitted;
  }

  #roll(): void {
    const now = this.#clock.now();
    if (now < this.#endsAt) return;
    this.#taken.clear();
    this.#endsAt = now + limits.windowMs;
  }
}
