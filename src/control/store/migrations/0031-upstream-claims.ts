import { type Kysely, sql } from "kysely";

/** Where the consoles of hypervisors' machines are that sessions were led to, so that no two machines are at one place. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("sessions").addColumn("upstream_claim", "text").execute();
  // Statements repeat the condition word for word, or the index is not used (sessions/conditions.ts).
  await sql`create index sessions_live_by_claim on sessions (upstream_claim)
    where upstream_claim is not null and state <> 'ended'`.execute(db);
}
