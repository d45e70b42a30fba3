import { type Kysely, sql } from "kysely";

/** A ticket may be for a small picture of the screen alone. Its session is written down too, and soon forgotten. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable("sessions")
    .addColumn("purpose", "text", (column) => column.notNull().defaultTo("console"))
    .execute();
  // Statements repeat the condition word for word, or the index is not used (sessions/conditions.ts).
  await sql`create index sessions_thumbnails on sessions (ended_at) where purpose = 'thumbnail'`.execute(db);
}
