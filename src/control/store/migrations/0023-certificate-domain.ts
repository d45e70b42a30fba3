import type { Kysely } from "kysely";

/** The domain that a node's certificate is for: links name it by that until it serves one for the next. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("nodes").addColumn("certificate_domain", "text").execute();
}
