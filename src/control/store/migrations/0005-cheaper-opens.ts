import { type Kysely, sql } from "kysely";

/** Indexes that each console that is opened pays for. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // A reopen credential names its session, so nothing is looked up by its hash. An index of random values is written
  // all over the place: it cost each console a page of its own.
  await sql`drop index sessions_by_reopen_hash`.execute(db);
  // That of consoles alone finds a machine's latest as well.
  await sql`drop index sessions_by_machine`.execute(db);
  // With the purpose in it, an account's unused links are counted without looking at their rows.
  await sql`drop index sessions_unredeemed`.execute(db);
  await sql`create index sessions_unredeemed on sessions (account_id, purpose, ticket_expires_at)
    where state = 'pending' and redeemed_at is null`.execute(db);
}
