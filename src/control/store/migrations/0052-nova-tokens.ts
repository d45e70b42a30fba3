import type { Kysely } from "kysely";

/** Which tokens of a Nova were used, and for which sessions. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("nova_tokens")
    .addColumn("hash", "text", (column) => column.notNull())
    .addColumn("nonce", "text", (column) => column.notNull())
    .addColumn("session_id", "text", (column) => column.notNull().unique())
    .addColumn("used_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("nova_tokens_key", ["hash", "nonce"])
    .execute();
  await db.schema.createIndex("nova_tokens_by_use").on("nova_tokens").columns(["used_at"]).execute();
}
