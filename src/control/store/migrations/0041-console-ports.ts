import type { Kysely } from "kysely";

/** By which of its ways vSphere opens consoles, and which ports of hosts were given to consoles. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("hypervisors").addColumn("consoles", "text").execute();
  await db.schema
    .createTable("console_ports")
    .addColumn("hypervisor_id", "text", (column) => column.notNull())
    .addColumn("host", "text", (column) => column.notNull())
    .addColumn("port", "integer", (column) => column.notNull())
    .addColumn("machine", "text", (column) => column.notNull())
    .addColumn("password_sealed", "text", (column) => column.notNull())
    .addColumn("closing_until", "bigint")
    .addPrimaryKeyConstraint("console_ports_key", ["hypervisor_id", "host", "port"])
    .addUniqueConstraint("console_ports_by_machine", ["hypervisor_id", "machine"])
    .execute();
}
