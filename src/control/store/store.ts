import type { CompiledQuery, Kysely, RawBuilder } from "kysely";
import type { Schema } from "./schema.ts";

/** What queries run on: the database, or the transaction that they are part of. */
export type Queries = Kysely<Schema>;

/**
 * Control's memory. What was acknowledged is on disk.
 *
 * Inside `db.transaction()` only the transaction object may be used: SQLite lets one write at a time, so whoever
 * writes outside meanwhile waits for himself, and what is read outside is what was before. For the same reason
 * nothing but queries is awaited there.
 */
export interface Store {
  readonly db: Kysely<Schema>;
  /** The database's own clock, milliseconds since 1970: deadlines are judged by it, inside the statement. */
  readonly now: RawBuilder<number>;
  /** Runs a compiled query, on the database or in a transaction, on the shortest way that there is. */
  run<Row>(db: Queries, query: CompiledQuery<Row>): Promise<Row[]>;
  /** Whether a statement failed because a row with this key exists. */
  isDuplicate(error: unknown): boolean;
  close(): Promise<void>;
}
