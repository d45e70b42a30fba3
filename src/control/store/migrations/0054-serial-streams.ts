import type { Kysely } from "kysely";

/** Whether nodes sign in to a libvirt for serial lines that it alone reaches. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable("hypervisors")
    .addColumn("has_serial_streams", "integer", (column) => column.notNull().defaultTo(0))
    .execute();
}
