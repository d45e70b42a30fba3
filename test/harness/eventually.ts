import { setTimeout as delay } from "node:timers/promises";

const limits = {
  /** Generous: a condition that holds sooner costs nothing, and two cores carry browsers and guests at once. */
  withinMs: 90_000,
  /** Between two looks, most of which ask a server: a tenth of the wait so far, from the one to the other. */
  retryMs: { least: 10, most: 250 },
} as const;

/**
 * Waits until `assertion` stops throwing, and resolves to what it returned. When time is up it throws what the
 * assertion threw last, so a failing test shows the difference and not a time-out.
 */
export async function eventually<Value>(
  assertion: () => Value | Promise<Value>,
  { withinMs = limits.withinMs }: { readonly withinMs?: number } = {},
): Promise<Value> {
  const since = performance.now();
  for (;;) {
    try {
      return await assertion();
    } catch (error) {
      if (performance.now() - since > withinMs) throw error;
    }
    const { least, most } = limits.retryMs;
    await delay(Math.min(most, Math.max(least, (performance.now() - since) / 10)));
  }
}
