import type { Kysely } from "kysely";

/** Where the serial line of a machine is, beside its screen. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("machines").addColumn("serial_address", "text").execute();
}
