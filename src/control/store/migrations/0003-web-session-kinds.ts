import type { Kysely } from "kysely";

/** Which cookie a web session stands behind, so that each kind has a bound of its own. What was before is the pages'. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable("web_sessions")
    .addColumn("kind", "text", (column) => column.notNull().defaultTo("browser"))
    .execute();
}
