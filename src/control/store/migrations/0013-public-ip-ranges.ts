import type { Kysely } from "kysely";
import { sql } from "kysely";

/** Public addresses that pools have to give, and which node has which. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("public_ip_ranges")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("pool", "text", (column) => column.notNull())
    .addColumn("first_key", "text", (column) => column.notNull())
    .addColumn("last_key", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema.alterTable("nodes").addColumn("given_key", "text").execute();
  // INVARIANT: no address is given twice, whatever a replica believes.
  await sql`create unique index nodes_given on nodes (given_key) where given_key is not null`.execute(db);
}
