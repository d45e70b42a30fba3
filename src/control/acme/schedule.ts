import type { RenewalWindow } from "#tls/acme/renewal-info.ts";
import type { AcmeTable } from "./acme-table.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const times = {
  /** An order's claim, longer than an order may take: after its end a replica that has died is not waited for any more. */
  claimMs: 5 * MINUTE_MS,
  /** After the first failure, and doubled with each: authorities count failures by the hour. */
  backoffMs: 5 * MINUTE_MS,
  longestBackoffMs: 6 * HOUR_MS,
  /** Whatever an authority asks for: a certificate that ends meanwhile helps nobody. */
  longestRetryMs: 3 * 24 * HOUR_MS,
  /** Between two certificates, whatever is suggested, and however nodes come and go. */
  restMs: 15 * MINUTE_MS,
  /** Renewal information (RFC 9773 §4.3): where nothing is said, and the bounds of what is. */
  askMs: 6 * HOUR_MS,
  shortestAskMs: MINUTE_MS,
  longestAskMs: 24 * HOUR_MS,
  /** Where it could not be had. */
  askAgainMs: HOUR_MS,
} as const;

/** Of its lifetime, when a certificate is renewed of which the authority says nothing, and at the latest. */
const RENEWED_AFTER = 2 / 3;
const RENEWED_AFTER_AT_LATEST = 9 / 10;
/** Of the same: so that not all of those are renewed together that were made together. */
const JITTER = 1 / 20;

export type Random = () => number;

interface Lifetime {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Whether an order runs, of whichever replica. */
export function isOrdering({ attempt_until: until }: Pick<AcmeTable, "attempt_until">, now: number): boolean {
  return until !== null && isAhead(until, now, times.claimMs);
}

/** Whether the authority is to be asked again when it would like the certificate to be renewed. */
export function isQuestionDue({ ask_at: at }: Pick<AcmeTable, "ask_at">, now: number): boolean {
  return at === null || !isAhead(at, now, times.longestAskMs);
}

/** What is further ahead than anything is ever set was set by a clock that was wrong, and is waited for by nobody. */
function isAhead(at: number, now: number, longestMs: number): boolean {
  return at > now && at <= now + longestMs;
}

/** Whether a certificate is to be ordered now. */
export function isDue(
  row: Pick<AcmeTable, "attempted_domain" | "next_at" | "is_wanted" | "renew_at">,
  {
    domain,
    current,
    now,
  }: { readonly domain: string; readonly current: Lifetime | undefined; readonly now: number },
): boolean {
  // What failed, failed for another domain.
  if (current === undefined && row.attempted_domain !== null && row.attempted_domain !== domain) return true;
  return now >= dueAt(row, current, now);
}

/** When the next order begins; `current`: what is in use and good for all names. */
export function dueAt(
  row: Pick<AcmeTable, "next_at" | "is_wanted" | "renew_at">,
  current: Lifetime | undefined,
  now: number,
): number {
  const next = isAhead(row.next_at, now, times.longestRetryMs) ? row.next_at : 0;
  if (current === undefined || row.is_wanted === 1) return next;
  return Math.max(next, row.renew_at ?? renewalWithout(current, () => 0));
}

/** At two thirds of the lifetime, or a little before. */
export function renewalWithout({ notBefore, notAfter }: Lifetime, random: Random): number {
  return Math.round(notBefore + (notAfter - notBefore) * (RENEWED_AFTER - JITTER * random()));
}

/** Any instant of the window (RFC 9773 §4.2); not so late that there is no time left to fail. */
export function renewalIn(window: RenewalWindow, { notBefore, notAfter }: Lifetime, random: Random): number {
  const chosen = window.start + (window.end - window.start) * random();
  return Math.round(Math.min(chosen, notBefore + (notAfter - notBefore) * RENEWED_AFTER_AT_LATEST));
}

export function askAfterMs(said: number | undefined): number {
  return Math.min(Math.max(said ?? times.askMs, times.shortestAskMs), times.longestAskMs);
}

/** After a failure, the last of so many; `said`: what the authority wants to be waited for. */
export function retryAfterFailureMs(failures: number, said: number | undefined, random: Random): number {
  const doubled = Math.min(times.backoffMs * 2 ** Math.min(failures - 1, 20), times.longestBackoffMs);
  const wait = doubled * (1 + JITTER * random());
  return Math.round(Math.max(wait, Math.min(said ?? 0, times.longestRetryMs)));
}

export const claimMs: number = times.claimMs;
export const restMs: number = times.restMs;
export const askAgainMs: number = times.askAgainMs;
