import type { Kysely } from "kysely";

/** What nodes are to look at for the self-check, and what they found: the last of each. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("node_checks")
    .addColumn("node_id", "text", (column) => column.primaryKey())
    .addColumn("run", "text", (column) => column.notNull())
    .addColumn("asked_at", "bigint", (column) => column.notNull())
    .addColumn("told", "integer", (column) => column.notNull().defaultTo(0))
    .addColumn("screens", "text", (column) => column.notNull())
    .addColumn("answered_at", "bigint")
    .addColumn("lines", "text")
    .execute();
}
