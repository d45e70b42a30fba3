import type { CompiledQuery, Kysely, RawBuilder } from "kysely";
import type { Schema } from "./schema.ts";

/** What queries run on: the database, or the transaction that they are part of. */
export type Queries = Kysely<Schema>;

/**
 * Control's memory. What was acknowledged is on disk.
 *
 * Inside `db.transaction()` only the transaction object may be used: SQLite lets one write at a time, so whoever
 * writes outside meanwhile waits for himself, and what is read outside is what was before. For the same reason
 * nothing but queries is awaited there. A transaction may be run again, where the database has undone it for the sake of
 * others: what it does outside of the database is done by `afterCommit`.
 *
 * On PostgreSQL transactions run at the same time, in this replica and in others, and each statement sees what was
 * committed before it. So what is read and then relied on is read under a lock, or is a condition of the update; and
 * rows that many update come last in a transaction, so that nobody waits for them longer than for its commit.
 */
export interface Store {
  readonly db: Kysely<Schema>;
  /** The database's own clock, milliseconds since 1970: deadlines are judged by it, inside the statement. */
  readonly now: RawBuilder<number>;
  /** How many transactions run at the same time at most, of all replicas together. With one, no lock is needed. */
  readonly transactionsAtOnce: number;
  /** Whether one statement can write into several tables: on the way of every console each statement counts. */
  readonly chainsWrites: boolean;
  /** Runs a compiled query, on the database or in a transaction, on the shortest way that there is. */
  run<Row>(db: Queries, query: CompiledQuery<Row>): Promise<Row[]>;
  /**
   * Waits until no other transaction, of any replica, holds the key, and holds it to the transaction's end. Of several
   * keys everybody takes the same first.
   */
  lock(db: Queries, key: string): Promise<void>;
  /** Holds the key together with all who share it. False, at once, where somebody has locked it or waits to. */
  share(db: Queries, key: string): Promise<boolean>;
  /** Does something once the transaction is on disk, at once where `db` is none, and never if it is undone. */
  afterCommit(db: Queries, action: () => void): void;
  /** Whether a statement failed because a row with this key exists. */
  isDuplicate(error: unknown): boolean;
  /** Whether the database cannot be had now, and may be in a moment: the public is told `database_unavailable`. */
  isUnavailable(error: unknown): boolean;
  close(): Promise<void>;
}
