import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "#base/process/log.ts";

const limits = {
  /** A database that is away for longer makes itself known when it is back, by what was missed. */
  tries: 5,
  retryMs: 1_000,
} as const;

/** Reads something anew, one reading at a time. */
export interface Reread {
  /** Resolves after a reading that began after the call. */
  now(): Promise<void>;
  /** The same for whoever does not wait; one that fails is tried again. */
  soon(): void;
}

export function createReread(read: () => Promise<void>, log: Log): Reread {
  let last: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  let isTrying = false;

  const now = async () => {
    if (next === undefined) {
      next = last.then(async () => {
        next = undefined;
        await read();
      });
      last = next.catch(() => {});
    }
    await next;
  };

  const tryUntilRead = async () => {
    for (let attempt = 1; ; attempt++) {
      try {
        await now();
        return;
      } catch (error) {
        if (attempt < limits.tries) log.debug({ error }, "The settings could not be read, trying again");
        else log.error({ error }, "The settings could not be read");
      }
      if (attempt >= limits.tries) return;
      await delay(limits.retryMs, undefined, { ref: false });
    }
  };

  return {
    now,
    soon() {
      // Who is trying may have read before this: a reading that waits is begun after it.
      if (isTrying) void now().catch(() => {});
      if (isTrying) return;
      isTrying = true;
      void tryUntilRead().finally(() => {
        isTrying = false;
      });
    },
  };
}
