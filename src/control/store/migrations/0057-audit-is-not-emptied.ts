import { type Kysely, SqliteAdapter, sql } from "kysely";

/**
 * PostgreSQL can empty a table without looking at its rows, which no trigger of rows notices. SQLite knows no such
 * statement. The oldest rows are deleted one by one, as before.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  if (db.getExecutor().adapter instanceof SqliteAdapter) return;
  await sql`create function audit_refuse_truncate() returns trigger language plpgsql as
    $$ begin raise exception 'the audit log is never emptied'; end $$`.execute(db);
  await sql`create trigger audit_is_not_emptied before truncate on audit
    for each statement execute function audit_refuse_truncate()`.execute(db);
}
