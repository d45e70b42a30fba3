import type { Clock } from "#base/clock.ts";

/** Time that passes when a test says so. */
export interface TestClock extends Clock {
  advance(ms: number): void;
  /** Hears of it before anybody can ask. */
  follow(follower: (now: number) => void): void;
}

export function testClock(): TestClock {
  let now = Date.now();
  const followers: ((now: number) => void)[] = [];
  return {
    now: () => now,
    advance(ms) {
      now += ms;
      for (const follower of followers) follower(now);
    },
    follow(follower) {
      followers.push(follower);
      follower(now);
    },
  };
}
