import { type Kysely, sql } from "kysely";

/**
 * A reopen credential names its session, so nothing is looked up by its hash. An index of random values is written all
 * over the place: it cost each console a page of its own.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`drop index sessions_by_reopen_hash`.execute(db);
}
