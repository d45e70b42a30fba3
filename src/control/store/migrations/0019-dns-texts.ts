import type { Kysely } from "kysely";

/** TXT records that certificate authorities ask for. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("dns_texts")
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("value", "text", (column) => column.notNull())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("dns_texts_key", ["name", "value"])
    .execute();
}
