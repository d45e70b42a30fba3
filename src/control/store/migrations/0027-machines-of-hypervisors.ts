import type { Kysely } from "kysely";

/** Machines that a hypervisor has, under its own name for each, and how hearing from the hypervisor goes. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable("machines")
    .addColumn("hypervisor_id", "text", (column) => column.references("hypervisors.id"))
    .execute();
  for (const column of ["power", "guest"])
    await db.schema.alterTable("machines").addColumn(column, "text").execute();
  await db.schema
    .createIndex("machines_of_hypervisor")
    .on("machines")
    .columns(["hypervisor_id", "address"])
    .unique()
    .execute();
  for (const column of ["state", "problem"])
    await db.schema.alterTable("hypervisors").addColumn(column, "text").execute();
  await db.schema.alterTable("hypervisors").addColumn("state_since", "bigint").execute();
}
