import type { Kysely } from "kysely";

/**
 * Which version may still work with the tables: see compatibility.ts. The oldest that knows to ask is this one.
 */
export async function up(db: Kysely<{ compatibility: { id: string; oldest: string } }>): Promise<void> {
  await db.schema
    .createTable("compatibility")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("oldest", "text", (column) => column.notNull())
    .execute();
  await db.insertInto("compatibility").values({ id: "schema", oldest: "0006-oldest-version" }).execute();
}
