import type { Kysely } from "kysely";

/** A Keystone whose tokens are good: how it is asked, which projects and users of its are which here, and what it said of them last. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("keystone")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("revision", "text", (column) => column.notNull())
    .addColumn("url", "text", (column) => column.notNull())
    .addColumn("public_url", "text")
    .addColumn("ca_certificate", "text")
    .addColumn("username", "text", (column) => column.notNull())
    .addColumn("user_domain", "text")
    .addColumn("project", "text")
    .addColumn("project_domain", "text")
    .addColumn("secret_sealed", "text", (column) => column.notNull())
    .addColumn("roles", "text", (column) => column.notNull())
    .addColumn("makes_projects", "integer", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("keystone_projects")
    .addColumn("keystone_project", "text", (column) => column.primaryKey())
    .addColumn("project_id", "text", (column) =>
      column.notNull().references("projects.id").onDelete("cascade"),
    )
    .addColumn("is_made", "integer", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("keystone_users")
    .addColumn("user_id", "text", (column) => column.primaryKey())
    .addColumn("account_id", "text", (column) =>
      column.notNull().unique().references("accounts.id").onDelete("cascade"),
    )
    .execute();
  await db.schema
    .createTable("keystone_rights")
    .addColumn("account_id", "text", (column) =>
      column.notNull().references("accounts.id").onDelete("cascade"),
    )
    .addColumn("keystone_project", "text", (column) => column.notNull())
    .addColumn("project_id", "text", (column) => column.references("projects.id").onDelete("cascade"))
    .addColumn("right", "text", (column) => column.notNull())
    .addColumn("seen_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("keystone_rights_key", ["account_id", "keystone_project"])
    .execute();
  for (const [name, table, column] of [
    ["keystone_projects_by_project", "keystone_projects", "project_id"],
    ["keystone_rights_by_project", "keystone_rights", "project_id"],
    ["keystone_rights_by_time", "keystone_rights", "seen_at"],
  ] as const)
    await db.schema.createIndex(name).on(table).column(column).execute();
}
