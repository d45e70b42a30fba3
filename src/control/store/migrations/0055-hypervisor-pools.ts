import type { Kysely } from "kysely";
import { DEFAULT_POOL } from "#wire/api.ts";

/** Whose nodes carry the consoles of a hypervisor's machines. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable("hypervisors")
    .addColumn("pool", "text", (column) => column.notNull().defaultTo(DEFAULT_POOL))
    .execute();
}
