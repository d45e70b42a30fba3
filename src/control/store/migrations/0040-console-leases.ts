import type { Kysely } from "kysely";

/** What hypervisors have lent for consoles, to be given back once the sessions are over. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("console_leases")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("session_id", "text", (column) => column.notNull())
    .addColumn("hypervisor_id", "text", (column) => column.notNull())
    .addColumn("lease_sealed", "text", (column) => column.notNull())
    .addColumn("attempts", "integer", (column) => column.notNull().defaultTo(0))
    .addColumn("next_attempt_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex("console_leases_by_attempt")
    .on("console_leases")
    .column("next_attempt_at")
    .execute();
}
