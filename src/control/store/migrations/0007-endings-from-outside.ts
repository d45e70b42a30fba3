import { type Kysely, sql } from "kysely";

/** Redemptions that are asked again, sessions that are ended from outside, and accounts that are disabled. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("sessions").addColumn("redemption_nonce", "text").execute();
  await db.schema.alterTable("sessions").addColumn("api_key", "text").execute();
  await db.schema
    .alterTable("accounts")
    .addColumn("disabled", "integer", (column) => column.notNull().defaultTo(0))
    .execute();
  // What control asks of a node, which is nearly always nothing.
  await sql`create index sessions_closing on sessions (node_id, id) where state = 'closing'`.execute(db);
}
