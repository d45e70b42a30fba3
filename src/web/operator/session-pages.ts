import type { Page, Session } from "#wire/api.ts";

/** What is listed of the sessions: all from the newest down to some point. */
export interface SessionPages {
  readonly sessions: readonly Session[];
  /** Where the older ones begin; absent where there are none. */
  readonly next?: string;
}

/** Adds the older page behind those that are there. */
export function withOlder({ sessions }: SessionPages, { items, next }: Page<Session>): SessionPages {
  return { sessions: [...sessions, ...items], ...(next === undefined ? {} : { next }) };
}

/**
 * Brings the newest page up to date, with the older ones kept as they are. Where so many are new that the two do
 * not meet, the older ones go: there would be a gap between them.
 */
export function withNewest(known: SessionPages | undefined, newest: Page<Session>): SessionPages {
  const { items, next } = newest;
  const fresh: SessionPages = { sessions: items, ...(next === undefined ? {} : { next }) };
  if (known === undefined || next === undefined) return fresh;
  const last = items.at(-1)?.id;
  const meets = known.sessions.findIndex(({ id }) => id === last);
  if (meets < 0) return fresh;
  return { ...known, sessions: [...items, ...known.sessions.slice(meets + 1)] };
}
