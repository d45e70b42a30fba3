import type { Clock } from "#base/clock.ts";
import type { Grant } from "#wire/grant.ts";
import type { GrantsCommand, OfflineRedemption, SessionReport } from "#wire/link.ts";

const limits = {
  /** A grant has about a kilobyte, so this is about 10 MB. What comes beyond is not kept, and control is told so. */
  kept: 10_000,
  /**
   * Of all of them, as JSON: one of a machine with an authority, a client certificate and its key has up to 50 000, of which
   * ten thousand would be half a gigabyte.
   */
  keptCharacters: 32 * 1024 * 1024,
  /** What is over stays no longer than this. */
  tidyMs: 1_000,
} as const;

interface Kept {
  readonly grant: Grant;
  readonly expiresAt: number;
  readonly characters: number;
}

type Attached = Pick<Grant, "sessionId" | "attachment">;

/**
 * Grants of tickets that nobody has shown yet, for the time in which no control answers: in memory alone, each until its
 * ticket ends, and what became of those that were needed, until control has been told.
 */
export class OfflineGrants {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  readonly #redeemed = new Map<string, OfflineRedemption>();
  /** INVARIANT: those of all that are kept. */
  #characters = 0;
  #tidying: NodeJS.Timeout | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Returns the sessions whose grants are kept now. One that was given before is as it is given now. */
  keep(given: GrantsCommand["grants"]): string[] {
    this.#tidy();
    const taken = given.filter(({ grant, expiresAt }) => {
      const key = keyOf(grant);
      if (expiresAt <= this.#clock.now() || this.#redeemed.has(key)) return false;
      const characters = JSON.stringify(grant).length;
      const before = this.#kept.get(key)?.characters ?? 0;
      if (this.#kept.size >= limits.kept && before === 0) return false;
      if (this.#characters - before + characters > limits.keptCharacters) return false;
      this.#forget(key);
      this.#kept.set(key, { grant, expiresAt, characters });
      this.#characters += characters;
      return true;
    });
    this.#tidying ??= setInterval(() => this.#tidy(), limits.tidyMs).unref();
    return taken.map(({ grant }) => grant.sessionId);
  }

  /** The grant of a ticket that is shown now. It is not there a second time. */
  take(session: Attached): Grant | undefined {
    const key = keyOf(session);
    return this.#forget(key)?.grant;
  }

  /** A viewer was let in with a grant that was taken. */
  redeem(session: Attached, redemption: OfflineRedemption): void {
    this.#redeemed.set(keyOf(session), redemption);
  }

  /** A report with what control is to know besides. Nothing is reported of a session after its end. */
  complete(report: SessionReport): SessionReport {
    const key = keyOf(report);
    const redeemed = this.#redeemed.get(key);
    if (report.state === "ended") this.#redeemed.delete(key);
    return redeemed === undefined ? report : { ...report, redeemed };
  }

  clear(): void {
    this.#kept.clear();
    this.#characters = 0;
    this.#tidy();
  }

  #forget(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    this.#characters -= kept?.characters ?? 0;
    return kept;
  }

  #tidy(): void {
    const now = this.#clock.now();
    for (const [key, { expiresAt }] of this.#kept) if (expiresAt <= now) this.#forget(key);
    if (this.#kept.size > 0) return;
    clearInterval(this.#tidying);
    this.#tidying = undefined;
  }
}

function keyOf({ sessionId, attachment }: Attached): string {
  return `${sessionId} ${attachment}`;
}
