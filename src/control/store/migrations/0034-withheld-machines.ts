import type { Kysely } from "kysely";

/** That a machine was taken out of its project by hand is kept for a time when it goes, as what is kept of one that has a project. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("departed_withheld")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("hypervisor_id", "text", (column) =>
      column.notNull().references("hypervisors.id").onDelete("cascade"),
    )
    .addColumn("address", "text", (column) => column.notNull())
    .addColumn("left_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex("departed_withheld_by_address")
    .on("departed_withheld")
    .columns(["address"])
    .execute();
}
