import { setImmediate } from "node:timers/promises";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import type { AuditAction, AuditApi, AuditObjectKind } from "#wire/audit.ts";
import { type GatewayError, printable } from "#wire/gateway-error.ts";
import { createSessionIds } from "../sessions/session-id.ts";
import { INTEGER, nullable, of, prepare, TEXT, type ValuesOf } from "../store/prepared.ts";
import type { Queries, Store } from "../store/store.ts";
import type { AuditResult } from "./audit-table.ts";
import { type EndedSession, endingEntry } from "./endings.ts";
import { RefusalBudget, type RefusalSource } from "./refusal-budget.ts";

/** Who does something and from where, as far as it is known. A Caller is one. */
export interface Actor {
  readonly accountId?: string | undefined;
  readonly name?: string | undefined;
  readonly apiKey?: string | undefined;
  readonly nodeId?: string | undefined;
  readonly address?: string | undefined;
  readonly api?: AuditApi | undefined;
  /** Of the request. */
  readonly reference?: string | undefined;
}

export interface AuditObject {
  readonly kind: AuditObjectKind;
  readonly id?: string | undefined;
  readonly name?: string | undefined;
}

/** What a row tells. Nothing in it is a secret: see the decision on the audit log. */
export interface AuditEntry {
  readonly action: AuditAction;
  readonly by: Actor;
  readonly object?: AuditObject | undefined;
  readonly sessionId?: string | undefined;
  readonly detail?: string | undefined;
}

const limits = {
  /** Of those that are written together: each has 16 values, and SQLite takes 32 766 in a statement. */
  rowsAtOnce: 250,
} as const;

const PICTURES: ReadonlySet<AuditAction> = new Set([
  "thumbnail.issue",
  "machine.screenshot",
  "machine.output",
]);

/** Why a picture is refused that is worth a row: a dashboard asks over and over for those of machines that do not run. */
const ABOUT_RIGHTS: ReadonlySet<AuditResult> = new Set(["forbidden", "not_found", "extra_token_required"]);

/** How much was written, and how much was not: for metrics. */
export interface AuditCounters {
  /** Rows, by what they tell: `<action> <result>`. */
  readonly written: ReadonlyMap<string, number>;
  /** Refusals beyond what is written in a minute. */
  readonly omitted: number;
  /** Refusals that the database did not take. */
  readonly failed: number;
  /** Refusals that are being written. */
  readonly writing: number;
}

/** Writes the audit log. Rows are never changed; see sweepAudit for how the oldest go. */
export class Audit {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #insert: ReturnType<typeof prepareInsert>;
  readonly #nextId: () => string;
  readonly #budget: RefusalBudget;
  readonly #counters = { written: new Map<string, number>(), omitted: 0, failed: 0, writing: 0 };

  constructor({ store, clock, log }: { readonly store: Store; readonly clock: Clock; readonly log: Log }) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#insert = prepareInsert(store);
    this.#nextId = createSessionIds(clock);
    this.#budget = new RefusalBudget(clock);
  }

  get counters(): AuditCounters {
    return this.#counters;
  }

  /** Writes down what is done, in the transaction that does it: either both are there, or neither. */
  async record(db: Queries, entry: AuditEntry): Promise<void> {
    await this.#write(db, entry, "ok");
  }

  /**
   * The same of many: some hundred rows to a statement, and between two of them whoever waits for this process has his turn. Whoever
   * waits for SQLite waits for them all.
   */
  async recordAll(db: Queries, entries: readonly AuditEntry[]): Promise<void> {
    for (let start = 0; start < entries.length; start += limits.rowsAtOnce) {
      const some = entries.slice(start, start + limits.rowsAtOnce);
      await db
        .insertInto("audit")
        .values(some.map((entry) => this.#rowOf(entry, "ok")))
        .execute();
      await setImmediate();
    }
    this.#store.afterCommit(db, () => {
      for (const { action } of entries) this.#count(`${action} ok`);
    });
  }

  /**
   * The same for a statement that writes the row together with what it tells, which is the caller's: `write` answers
   * whether it did.
   */
  async recordWith(
    db: Queries,
    entry: AuditEntry,
    write: (row: AuditColumns) => Promise<boolean>,
  ): Promise<boolean> {
    if (!(await write(this.#rowOf(entry, "ok")))) return false;
    this.#store.afterCommit(db, () => this.#count(`${entry.action} ok`));
    return true;
  }

  /** As `record`, of sessions that were ended by `db`'s transaction. */
  async recordEndings(db: Queries, sessions: readonly EndedSession[]): Promise<void> {
    for (const session of sessions) {
      // A picture is looked at once, and nobody asks when that was over.
      if (session.purpose !== "console") continue;
      const { result, ...entry } = endingEntry(session);
      await this.#write(db, entry, result);
    }
  }

  /**
   * Writes down what was refused: of one source so many in a minute, and of those whom nobody knows all together, so that
   * garbage does not fill the disk. Never throws: the refusal stands, whether it can be written down or not.
   */
  async recordRefusal(entry: AuditEntry, { code }: Pick<GatewayError, "code">): Promise<void> {
    if (PICTURES.has(entry.action) && !ABOUT_RIGHTS.has(code)) return;
    // Nobody who waits for a database that is away is to wait for it twice.
    if (code === "database_unavailable") {
      this.#counters.failed += 1;
      return;
    }
    await this.recordOmitted();
    if (!this.#budget.take(sourceOf(entry))) {
      this.#counters.omitted += 1;
      return;
    }
    await this.#writeOrComplain(entry, code);
  }

  /** Writes down how many refusals of a minute that is over were not. Runs now and then, and before control stops. */
  async recordOmitted(when: "over" | "now" = "over"): Promise<void> {
    const omitted = this.#budget.collectOmitted(when);
    if (omitted > 0)
      await this.#writeOrComplain({ action: "refusals.omitted", by: {}, detail: String(omitted) }, "ok");
  }

  async #writeOrComplain(entry: AuditEntry, result: AuditResult): Promise<void> {
    this.#counters.writing += 1;
    try {
      await this.#write(this.#store.db, entry, result);
    } catch (error) {
      this.#counters.failed += 1;
      this.#log.warn({ error, action: entry.action, code: result }, "A refusal could not be written down");
    } finally {
      this.#counters.writing -= 1;
    }
  }

  #count(told: string): void {
    this.#counters.written.set(told, (this.#counters.written.get(told) ?? 0) + 1);
  }

  async #write(db: Queries, entry: AuditEntry, result: AuditResult) {
    await this.#insert(db, this.#rowOf(entry, result));
    this.#store.afterCommit(db, () => this.#count(`${entry.action} ${result}`));
  }

  #rowOf({ action, by, object, sessionId, detail }: AuditEntry, result: AuditResult): AuditColumns {
    return {
      id: this.#nextId(),
      at: this.#clock.now(),
      action,
      result,
      account_id: by.accountId ?? null,
      account_name: by.name ?? null,
      api_key: by.apiKey ?? null,
      node_id: by.nodeId ?? null,
      address: by.address ?? null,
      api: by.api ?? null,
      object_kind: object?.kind ?? null,
      object_id: object?.id === undefined ? null : short(object.id),
      object_name: object?.name === undefined ? null : short(object.name),
      session_id: sessionId === undefined ? null : short(sessionId),
      reference: by.reference ?? null,
      detail: detail === undefined ? null : printable(detail),
    };
  }
}

/**
 * Failed sign-ins count together, whoever they name: else whether one more is written, which takes time, would tell who
 * has an account.
 */
function sourceOf({ action, by }: AuditEntry): RefusalSource {
  if (action === "sign-in") return "signing in";
  const id = by.accountId ?? by.nodeId;
  return id === undefined ? "stranger" : { id };
}

/** What a refused caller made up may be of any length and kind. */
function short(text: string): string {
  return /^[\w-]{1,64}$/.test(text) ? text : printable(text);
}

/** What a row consists of, for statements that write one with what it tells. */
export const AUDIT_COLUMNS = {
  id: TEXT,
  at: INTEGER,
  action: of<AuditAction>(),
  result: of<AuditResult>(),
  account_id: nullable(TEXT),
  account_name: nullable(TEXT),
  api_key: nullable(TEXT),
  node_id: nullable(TEXT),
  address: nullable(TEXT),
  api: nullable(of<AuditApi>()),
  object_kind: nullable(of<AuditObjectKind>()),
  object_id: nullable(TEXT),
  object_name: nullable(TEXT),
  session_id: nullable(TEXT),
  reference: nullable(TEXT),
  detail: nullable(TEXT),
} as const;

export type AuditColumns = ValuesOf<typeof AUDIT_COLUMNS>;

function prepareInsert(store: Store) {
  return prepare(store, AUDIT_COLUMNS, (query, values) => query.insertInto("audit").values(values));
}
