import type { Kysely } from "kysely";

/** What nodes are asked that serial lines have said: a row lives for as long as somebody waits for the answer. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("console_outputs")
    .addColumn("run", "text", (column) => column.primaryKey())
    .addColumn("node_id", "text", (column) => column.notNull())
    .addColumn("machine_id", "text", (column) => column.notNull())
    .addColumn("asked_at", "bigint", (column) => column.notNull())
    .addColumn("told", "integer", (column) => column.notNull().defaultTo(0))
    .addColumn("answered_at", "bigint")
    .addColumn("output_sealed", "text")
    .execute();
  await db.schema
    .createIndex("console_outputs_by_node")
    .on("console_outputs")
    .columns(["node_id", "asked_at"])
    .execute();
}
