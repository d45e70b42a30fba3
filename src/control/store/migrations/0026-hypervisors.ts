import type { Kysely } from "kysely";

/** Platforms that are asked for their machines, with what opens them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("hypervisors")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("name_key", "text", (column) => column.notNull().unique())
    .addColumn("platform", "text", (column) => column.notNull())
    .addColumn("address", "text", (column) => column.notNull())
    .addColumn("credentials_sealed", "text", (column) => column.notNull())
    .addColumn("is_read_only", "integer", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .execute();
}
