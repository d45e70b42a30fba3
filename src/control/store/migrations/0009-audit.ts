import { type Kysely, SqliteAdapter, sql } from "kysely";

/** Unlike consoles, these are few, so finding them is worth an index that consoles do not pay for. */
const RARE = "action not in ('console.issue', 'console.redeem', 'console.end')";

/** The audit log: rows are added, and never changed. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("audit")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("action", "text", (column) => column.notNull())
    .addColumn("result", "text", (column) => column.notNull())
    .addColumn("account_id", "text")
    .addColumn("account_name", "text")
    .addColumn("api_key", "text")
    .addColumn("node_id", "text")
    .addColumn("address", "text")
    .addColumn("api", "text")
    .addColumn("object_kind", "text")
    .addColumn("object_id", "text")
    .addColumn("object_name", "text")
    .addColumn("session_id", "text")
    .addColumn("reference", "text")
    .addColumn("detail", "text")
    .execute();
  await sql`create index audit_by_account on audit (account_id, id)`.execute(db);
  await sql`create index audit_by_object on audit (object_id, id)`.execute(db);
  await sql`create index audit_rare_by_action on audit (action, id) where ${sql.raw(RARE)}`.execute(db);
  await refuseChanges(db);
}

/** The one thing here that the two databases say in different words. */
async function refuseChanges(db: Kysely<unknown>): Promise<void> {
  if (db.getExecutor().adapter instanceof SqliteAdapter) {
    await sql`create trigger audit_is_append_only before update on audit
      begin select raise(abort, 'rows of the audit log are never changed'); end`.execute(db);
    return;
  }
  await sql`create function audit_refuse_change() returns trigger language plpgsql as
    $$ begin raise exception 'rows of the audit log are never changed'; end $$`.execute(db);
  await sql`create trigger audit_is_append_only before update on audit
    for each row execute function audit_refuse_change()`.execute(db);
}
