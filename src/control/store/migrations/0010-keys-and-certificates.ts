import { type Kysely, sql } from "kysely";

/** Generations of ticket keys, certificates that are renewed and revoked, and grants that nodes are given ahead. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("ticket_keys")
    .addColumn("generation", "integer", (column) => column.primaryKey())
    .addColumn("secret_sealed", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("retiring_at", "bigint")
    .execute();
  // What runs now has the key that is the first generation: see tickets/key-generations.ts.
  await db.schema
    .alterTable("nodes")
    .addColumn("ticket_generation", "integer", (column) => column.notNull().defaultTo(1))
    .execute();
  await db.schema.alterTable("nodes").addColumn("next_fingerprint", "text").execute();
  await db.schema.alterTable("nodes").addColumn("revoked_at", "bigint").execute();
  await db.schema.alterTable("sessions").addColumn("offline_grant", "integer").execute();
  // Where the policy is to refuse, which is the default, nothing is ever in it.
  await sql`create index sessions_offline on sessions (node_id, id)
    where offline_grant is not null and redeemed_at is null and state <> 'ended'`.execute(db);
}
