import type { Kysely } from "kysely";

/** Tokens of OpenStack's clients. Each goes with the API key that it was got with, and with its account. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("identity_tokens")
    .addColumn("hash", "text", (column) => column.primaryKey())
    .addColumn("account_id", "text", (column) =>
      column.notNull().references("accounts.id").onDelete("cascade"),
    )
    .addColumn("api_key", "text", (column) =>
      column.notNull().references("api_keys.api_key").onDelete("cascade"),
    )
    .addColumn("project_id", "text", (column) => column.references("projects.id").onDelete("cascade"))
    .addColumn("issued_at", "bigint", (column) => column.notNull())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .execute();
  for (const [name, columns] of [
    ["identity_tokens_by_account", ["account_id", "issued_at"]],
    ["identity_tokens_by_key", ["api_key"]],
    ["identity_tokens_by_project", ["project_id"]],
    ["identity_tokens_by_expiry", ["expires_at"]],
  ] as const)
    await db.schema
      .createIndex(name)
      .on("identity_tokens")
      .columns([...columns])
      .execute();
}
