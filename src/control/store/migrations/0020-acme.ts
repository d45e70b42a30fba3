import type { Kysely } from "kysely";

/** The authority that certificates come from by themselves, and how that goes; and of each certificate whether it did. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("acme")
    // INVARIANT: one row at most.
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("directory", "text", (column) => column.notNull())
    .addColumn("contact", "text", (column) => column.notNull())
    .addColumn("agrees_to_terms", "integer", (column) => column.notNull())
    .addColumn("challenge", "text", (column) => column.notNull())
    .addColumn("roots", "text", (column) => column.notNull())
    .addColumn("binding_key_id", "text")
    .addColumn("binding_key_sealed", "text")
    .addColumn("account_key_sealed", "text", (column) => column.notNull())
    .addColumn("account_thumbprint", "text", (column) => column.notNull())
    .addColumn("account_url", "text")
    .addColumn("attempt_id", "text")
    .addColumn("attempt_until", "bigint")
    .addColumn("attempted_at", "bigint")
    .addColumn("attempted_domain", "text")
    .addColumn("succeeded_at", "bigint")
    .addColumn("failures", "integer", (column) => column.notNull())
    .addColumn("problem", "text")
    .addColumn("next_at", "bigint", (column) => column.notNull())
    .addColumn("is_wanted", "integer", (column) => column.notNull())
    .addColumn("renew_at", "bigint")
    .addColumn("window_start", "bigint")
    .addColumn("window_end", "bigint")
    .addColumn("window_explanation", "text")
    .addColumn("ask_at", "bigint")
    .execute();
  await db.schema
    .alterTable("certificates")
    .addColumn("source", "text", (column) => column.notNull().defaultTo("upload"))
    .execute();
}
