import type { Kysely } from "kysely";

/** Machines whose hypervisor did not take what is on record, since that was set: how often, and when it may be tried again. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("sign_in_failures")
    .addColumn("machine_id", "text", (column) =>
      column.primaryKey().references("machines.id").onDelete("cascade"),
    )
    .addColumn("failures", "integer", (column) => column.notNull())
    .addColumn("next_at", "bigint", (column) => column.notNull())
    .execute();
}
