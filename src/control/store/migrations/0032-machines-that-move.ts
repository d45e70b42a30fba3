import type { Kysely } from "kysely";

/** What is kept of a machine that left its hypervisor, for the one where it turns up, and since when one that waits is seen to run. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("waiting_machines").addColumn("running_since", "bigint").execute();
  await db.schema
    .createTable("departed_machines")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("hypervisor_id", "text", (column) =>
      column.notNull().references("hypervisors.id").onDelete("cascade"),
    )
    .addColumn("address", "text", (column) => column.notNull())
    .addColumn("project_id", "text", (column) =>
      column.notNull().references("projects.id").onDelete("cascade"),
    )
    .addColumn("pool", "text", (column) => column.notNull())
    .addColumn("password_sealed", "text")
    .addColumn("left_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex("departed_machines_by_address")
    .on("departed_machines")
    .columns(["address"])
    .execute();
  // By their addresses alone, whichever hypervisor has them: whose machine is it that turned up?
  for (const table of ["machines", "waiting_machines"])
    await db.schema.createIndex(`${table}_by_address`).on(table).columns(["address"]).execute();
}
