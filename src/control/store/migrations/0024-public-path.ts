import type { Kysely } from "kysely";

/** What a front proxy has put before the paths of a node. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("nodes").addColumn("public_path", "text").execute();
}
