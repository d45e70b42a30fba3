import type { Kysely } from "kysely";

/** Into which projects the machines of hypervisors come, those that wait for one, and the TLS of their consoles. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of ["console_tls", "console_key_sealed"])
    await db.schema.alterTable("hypervisors").addColumn(column, "text").execute();
  await db.schema
    .alterTable("hypervisors")
    .addColumn("has_session_passwords", "integer", (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema
    .createTable("hypervisor_rules")
    .addColumn("hypervisor_id", "text", (column) =>
      column.notNull().references("hypervisors.id").onDelete("cascade"),
    )
    .addColumn("position", "integer", (column) => column.notNull())
    .addColumn("pattern", "text", (column) => column.notNull())
    .addColumn("project_id", "text", (column) => column.notNull().references("projects.id"))
    .addPrimaryKeyConstraint("hypervisor_rules_key", ["hypervisor_id", "position"])
    .execute();
  await db.schema
    .createTable("waiting_machines")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("hypervisor_id", "text", (column) =>
      column.notNull().references("hypervisors.id").onDelete("cascade"),
    )
    .addColumn("address", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("name_key", "text", (column) => column.notNull())
    .addColumn("power", "text", (column) => column.notNull())
    .addColumn("guest", "text", (column) => column.notNull())
    .addColumn("is_withheld", "integer", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addUniqueConstraint("waiting_machines_of_hypervisor", ["hypervisor_id", "address"])
    .execute();
  await db.schema
    .createIndex("waiting_machines_by_name")
    .on("waiting_machines")
    .columns(["name_key", "id"])
    .execute();
}
