import { type Kysely, sql } from "kysely";

/** The tables of schema.ts, which says what they mean. */
// biome-ignore lint/suspicious/noExplicitAny: a migration speaks of the tables of its time, not of today's.
export async function up(db: Kysely<any>): Promise<void> {
  await installation(db);
  await accounts(db);
  await machines(db);
  await fleet(db);
  await sessions(db);
}

async function installation(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("installation")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("key_check", "text", (column) => column.notNull())
    .addColumn("authority_certificate", "text", (column) => column.notNull())
    .addColumn("authority_key_sealed", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("settings")
    .addColumn("name", "text", (column) => column.primaryKey())
    .addColumn("value", "text", (column) => column.notNull())
    .execute();
}

async function accounts(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("projects")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("name", "text", (column) => column.notNull().unique())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("accounts")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("name", "text", (column) => column.notNull().unique())
    .addColumn("role", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("memberships")
    .addColumn("account_id", "text", (column) =>
      column.notNull().references("accounts.id").onDelete("cascade"),
    )
    .addColumn("project_id", "text", (column) =>
      column.notNull().references("projects.id").onDelete("cascade"),
    )
    .addPrimaryKeyConstraint("memberships_key", ["account_id", "project_id"])
    .execute();
  await createIndex(db, "memberships_by_project", "memberships", ["project_id"]);
  await db.schema
    .createTable("api_keys")
    .addColumn("api_key", "text", (column) => column.primaryKey())
    .addColumn("account_id", "text", (column) =>
      column.notNull().references("accounts.id").onDelete("cascade"),
    )
    .addColumn("secret_sealed", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .execute();
  await createIndex(db, "api_keys_by_account", "api_keys", ["account_id", "created_at"]);
  for (const table of ["sign_in_codes", "web_sessions"]) {
    await db.schema
      .createTable(table)
      .addColumn("hash", "text", (column) => column.primaryKey())
      .addColumn("account_id", "text", (column) =>
        column.notNull().references("accounts.id").onDelete("cascade"),
      )
      .addColumn("expires_at", "bigint", (column) => column.notNull())
      .execute();
    await createIndex(db, `${table}_by_account`, table, ["account_id", "expires_at"]);
    await createIndex(db, `${table}_by_expiry`, table, ["expires_at"]);
  }
}

async function machines(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("machines")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("project_id", "text", (column) => column.notNull().references("projects.id"))
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("name_key", "text", (column) => column.notNull())
    .addColumn("protocol", "text", (column) => column.notNull())
    .addColumn("driver", "text", (column) => column.notNull())
    .addColumn("address", "text", (column) => column.notNull())
    .addColumn("password_sealed", "text")
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addUniqueConstraint("machines_name", ["project_id", "name"])
    .execute();
  await createIndex(db, "machines_by_name", "machines", ["name_key", "id"]);
  await createIndex(db, "machines_by_project", "machines", ["project_id", "name_key", "id"]);
}

async function fleet(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("nodes")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("certificate_fingerprint", "text", (column) => column.notNull())
    .addColumn("incarnation", "text")
    .addColumn("page_origin", "text", (column) => column.notNull())
    .addColumn("web_socket_origin", "text", (column) => column.notNull())
    .addColumn("version", "text", (column) => column.notNull())
    .addColumn("maximum_sessions", "integer")
    .addColumn("sessions", "integer", (column) => column.notNull())
    .addColumn("seen_at", "bigint", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("incarnations")
    .addColumn("node_id", "text", (column) => column.notNull().references("nodes.id").onDelete("cascade"))
    .addColumn("incarnation", "text", (column) => column.notNull())
    .addColumn("registered_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("incarnations_key", ["node_id", "incarnation"])
    .execute();
  await db.schema
    .createTable("join_tokens")
    .addColumn("hash", "text", (column) => column.primaryKey())
    .addColumn("uses_left", "integer", (column) => column.notNull())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .execute();
  await createIndex(db, "join_tokens_by_expiry", "join_tokens", ["expires_at"]);
}

async function sessions(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("sessions")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("account_id", "text", (column) => column.notNull())
    .addColumn("account_name", "text", (column) => column.notNull())
    .addColumn("project_id", "text", (column) => column.notNull())
    .addColumn("machine_id", "text", (column) => column.notNull())
    .addColumn("machine_name", "text", (column) => column.notNull())
    .addColumn("protocol", "text", (column) => column.notNull())
    .addColumn("api", "text", (column) => column.notNull())
    .addColumn("view_only", "integer", (column) => column.notNull())
    .addColumn("node_id", "text", (column) => column.notNull())
    .addColumn("incarnation", "text", (column) => column.notNull())
    .addColumn("attachment", "integer", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("ticket_expires_at", "bigint", (column) => column.notNull())
    .addColumn("redeemed_at", "bigint")
    .addColumn("ended_at", "bigint")
    .addColumn("creator_address", "text", (column) => column.notNull())
    .addColumn("bound_address", "text")
    .addColumn("viewer_address", "text")
    .addColumn("reopen_hash", "text")
    .addColumn("ending_kind", "text")
    .addColumn("ending_code", "text")
    .addColumn("ending_detail", "text")
    .addColumn("bytes_to_viewer", "bigint", (column) => column.notNull())
    .addColumn("bytes_from_viewer", "bigint", (column) => column.notNull())
    .execute();
  await createIndex(db, "sessions_by_account", "sessions", ["account_id", "id"]);
  await createIndex(db, "sessions_by_account_machine", "sessions", ["account_id", "machine_id", "id"]);
  await createIndex(db, "sessions_by_machine", "sessions", ["machine_id", "id"]);
  // INVARIANT: what is asked often is asked of the sessions that are not over, whose number is bounded.
  // Statements repeat these conditions word for word, or the index is not used (sessions/conditions.ts).
  await sql`create index sessions_live on sessions (state, id) where state <> 'ended'`.execute(db);
  await sql`create index sessions_live_by_node on sessions (node_id, id) where state <> 'ended'`.execute(db);
  await sql`create index sessions_unredeemed on sessions (account_id, ticket_expires_at)
    where state = 'pending' and redeemed_at is null`.execute(db);
  await sql`create unique index sessions_by_reopen_hash on sessions (reopen_hash)
    where reopen_hash is not null`.execute(db);
}

async function createIndex(
  db: Kysely<unknown>,
  name: string,
  table: string,
  columns: readonly string[],
): Promise<void> {
  await db.schema
    .createIndex(name)
    .on(table)
    .columns([...columns])
    .execute();
}
