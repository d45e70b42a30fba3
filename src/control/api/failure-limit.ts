import { hash } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import { GatewayError } from "#wire/gateway-error.ts";

const limits = {
  /** Wrong credentials from one source within a window; whoever mistypes stays far below. */
  failures: 20,
  windowMs: 60_000,
  /** Sources that are remembered; beyond it the oldest is forgotten. Each is kept as a hash, so of one size. */
  sources: 10_000,
  /** Of an API key that is looked at at all; those that we make are a fraction of it. */
  apiKeyCharacters: 128,
} as const;

/** A key that is longer than any of ours is refused before it costs a query, a hash or memory. */
export function isPossibleApiKey(apiKey: string): boolean {
  return apiKey.length <= limits.apiKeyCharacters;
}

interface Window {
  failures: number;
  readonly endsAt: number;
}

/**
 * Slows down guessing of credentials. It counts failures only, so that a busy caller is never slowed, and by
 * source: an address together with the API key it tries, so that one caller's mistakes do not lock out another
 * behind the same address.
 */
export class FailureLimit {
  /** INVARIANT: in the order in which they end, because all are of one length and none is moved. */
  readonly #windows = new Map<string, Window>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many sources are remembered. */
  get size(): number {
    return this.#windows.size;
  }

  /** Throws `rate_limited` where too many attempts of this source failed lately. */
  check(source: string): void {
    this.#dropExpired();
    // Nobody has failed lately, as a rule.
    const window = this.#windows.size === 0 ? undefined : this.#windows.get(keyOf(source));
    if (window !== undefined && window.failures >= limits.failures) throw new GatewayError("rate_limited");
  }

  failed(source: string): void {
    this.#dropExpired();
    const key = keyOf(source);
    const window = this.#windows.get(key);
    if (window !== undefined) {
      window.failures += 1;
      return;
    }
    this.#windows.set(key, { failures: 1, endsAt: this.#clock.now() + limits.windowMs });
    const [oldest] = this.#windows.keys();
    if (this.#windows.size > limits.sources && oldest !== undefined) this.#windows.delete(oldest);
  }

  #dropExpired(): void {
    const now = this.#clock.now();
    for (const [key, { endsAt }] of this.#windows) {
      if (endsAt > now) return;
      this.#windows.delete(key);
    }
  }
}

function keyOf(source: string): string {
  return hash("sha256", source, "base64url");
}
