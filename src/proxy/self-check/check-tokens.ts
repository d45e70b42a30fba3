import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "#base/clock.ts";

const limits = {
  lifetimeMs: 10 * 60 * 1000,
  /** The newest: control gives out one at a time. */
  tokens: 4,
} as const;

interface Kept {
  readonly digest: Buffer;
  readonly endsAt: number;
}

/** The tokens with which a node tells how a request reached it. */
export class CheckTokens {
  readonly #clock: Clock;
  #kept: readonly Kept[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  take(token: string): void {
    const digest = digestOf(token);
    const others = this.#kept.filter((kept) => !kept.digest.equals(digest));
    this.#kept = [...others, { digest, endsAt: this.#clock.now() + limits.lifetimeMs }].slice(-limits.tokens);
  }

  has(token: string): boolean {
    const digest = digestOf(token);
    const now = this.#clock.now();
    return this.#kept.some((kept) => kept.endsAt > now && timingSafeEqual(kept.digest, digest));
  }
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
