import { setTimeout as delay } from "node:timers/promises";

const limits = {
  /** The first one included. PostgreSQL looks for those who wait for each other after a second, so this takes some. */
  tries: 5,
  /** Before the second try, at most; before each that follows as much longer, so that those who met do not meet again. */
  pauseMs: 20,
} as const;

/**
 * Does work again that the database has undone for the sake of others, as where two wait for each other, and throws
 * what the last try threw. INVARIANT: of what was undone nothing is left, so what is done again is done once.
 */
export async function withRetries<Result>(
  work: () => Promise<Result>,
  isUndone: (error: unknown) => boolean,
): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries >= limits.tries || !isUndone(error)) throw error;
    }
    await delay(Math.random() * limits.pauseMs * tries);
  }
}
