import { GatewayError } from "#wire/gateway-error.ts";
import type { TicketPurpose } from "../services.ts";
import { isUnredeemed } from "../sessions/conditions.ts";
import { addWithinBounds } from "../store/bounded.ts";
import { of, prepare, TEXT } from "../store/prepared.ts";
import type { Queries, Store } from "../store/store.ts";

const limits = {
  /** Accounts whose last count is remembered, for each purpose; one that is forgotten is counted again. */
  accounts: 10_000,
  /** A count is forgotten after this. */
  ageMs: 1_000,
} as const;

/** While an account has fewer links than this part of its bound, it is not counted each time. */
const PLENTY = 1 / 4;
/** Of the bound: how many links are given out between two counts. */
const BETWEEN_COUNTS = 1 / 32;

interface Count {
  /** At the last count, with those that were given out since. */
  pending: number;
  /** When to count again at the latest, or after how many more. */
  readonly untilMs: number;
  left: number;
}

interface Asker {
  readonly accountId: string;
  readonly purpose: TicketPurpose;
  /** `console.ticket.pending.max`. */
  readonly maximum: number;
}

/**
 * How many links an account may have that nobody has used. Counting is linear in them, so far below the bound it is
 * done now and then. Near it each link is counted, with all replicas in turn, and the bound is met, but for what replicas
 * have given out uncounted just before: a sixteenth of it for each at most.
 */
export class PendingLinks {
  readonly #store: Store;
  readonly #count: ReturnType<typeof prepareCount>;
  readonly #counts = new Map<string, Count>();
  /** How many are being written that were not counted. */
  readonly #underWay = new Map<string, number>();

  constructor(store: Store) {
    this.#store = store;
    this.#count = prepareCount(store);
  }

  /**
   * Runs what adds a link, in a transaction unless it is one statement and nothing has to be counted with it. Throws
   * `rate_limited` where the account has too many.
   */
  async add<Result>(
    asker: Asker,
    work: (db: Queries) => Promise<Result>,
    { isOneStatement = false } = {},
  ): Promise<Result> {
    const { db } = this.#store;
    if (this.#hasPlenty(asker))
      return await this.#uncounted(
        asker,
        async () => await (isOneStatement ? work(db) : db.transaction().execute(work)),
      );
    return await addWithinBounds(this.#store, `links ${asker.accountId}`, async (db, sayRoom) => {
      const [row] = await this.#count(db, asker);
      const pending = row?.pending ?? 0;
      const left = asker.maximum - pending;
      if (left <= 0)
        throw new GatewayError("rate_limited", {
          detail: `the account has ${asker.maximum} links that nobody used yet`,
        });
      sayRoom(left);
      this.#remember(asker, pending + 1);
      return await work(db);
    });
  }

  /** INVARIANT: those that wait for a busy database are no more than may go uncounted, however often others are counted. */
  async #uncounted<Result>(asker: Asker, work: () => Promise<Result>): Promise<Result> {
    const key = keyOf(asker);
    this.#underWay.set(key, (this.#underWay.get(key) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = (this.#underWay.get(key) ?? 1) - 1;
      if (left > 0) this.#underWay.set(key, left);
      else this.#underWay.delete(key);
    }
  }

  /** Takes one of those that may go uncounted. Of many who find that it is time to count again, the first one does. */
  #hasPlenty(asker: Asker): boolean {
    const count = this.#counts.get(keyOf(asker));
    if (count === undefined || count.pending >= asker.maximum * PLENTY) return false;
    if (count.left <= 0 || performance.now() > count.untilMs) {
      this.#remember(asker, count.pending);
      return false;
    }
    count.left -= 1;
    count.pending += 1;
    return true;
  }

  #remember(asker: Asker, pending: number): void {
    const key = keyOf(asker);
    this.#counts.delete(key);
    this.#counts.set(key, {
      pending,
      untilMs: performance.now() + limits.ageMs,
      left: Math.floor(asker.maximum * BETWEEN_COUNTS) - (this.#underWay.get(key) ?? 0),
    });
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > limits.accounts && oldest !== undefined) this.#counts.delete(oldest);
  }
}

function keyOf({ accountId, purpose }: Asker): string {
  return `${purpose} ${accountId}`;
}

function prepareCount(store: Store) {
  return prepare(store, { accountId: TEXT, purpose: of<TicketPurpose>() }, (query, { accountId, purpose }) =>
    query
      .selectFrom("sessions")
      .select((select) => select.fn.countAll<number>().as("pending"))
      .where("account_id", "=", accountId)
      .where(isUnredeemed)
      .where("purpose", "=", purpose)
      .where("ticket_expires_at", ">", store.now),
  );
}
