import { type Kysely, sql } from "kysely";

/** Sessions that try a password of which nobody knows whether their machine's hypervisor takes it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("sessions").addColumn("trying_since", "bigint").execute();
  // Statements repeat the condition word for word, or the index is not used (sessions/conditions.ts).
  await sql`create index sessions_trying on sessions (machine_id)
    where trying_since is not null and state <> 'ended'`.execute(db);
}
