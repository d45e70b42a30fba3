import type { Clock } from "#base/clock.ts";
import { GatewayError } from "#wire/gateway-error.ts";

const limits = {
  /** Wrong credentials from one source within a window; whoever mistypes stays far below. */
  failures: 20,
  windowMs: 60_000,
  /** Sources that are remembered; beyond it the oldest is forgotten, so memory stays bounded. */
  sources: 10_000,
} as const;

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
  readonly #windows = new Map<string, Window>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws `rate_limited` where too many attempts of this source failed lately. */
  check(source: string): void {
    const window = this.#current(source);
    if (window !== undefined && window.failures >= limits.failures) throw new GatewayError("rate_limited");
  }

  failed(source: string): void {
    const window = this.#current(source);
    if (window !== undefined) {
      window.failures += 1;
      return;
    }
    this.#windows.delete(source);
    this.#windows.set(source, { failures: 1, endsAt: this.#clock.now() + limits.windowMs });
    const [oldest] = this.#windows.keys();
    if (this.#windows.size > limits.sources && oldest !== undefined) this.#windows.delete(oldest);
  }

  #current(source: string): Window | undefined {
    const window = this.#windows.get(source);
    return window !== undefined && window.endsAt > this.#clock.now() ? window : undefined;
  }
}
