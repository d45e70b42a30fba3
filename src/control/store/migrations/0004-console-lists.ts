import { type Kysely, sql } from "kysely";

/** Where the lists of sessions leave thumbnails out, they are not to read past them: a dashboard asks for thousands. */
const LISTS = {
  sessions_consoles: "id",
  sessions_consoles_by_account: "account_id, id",
  sessions_consoles_by_account_machine: "account_id, machine_id, id",
  sessions_consoles_by_machine: "machine_id, id",
} as const;

/** What the second and the third of these were before, which nothing else asks. */
const REPLACED = ["sessions_by_account", "sessions_by_account_machine"] as const;

/**
 * Indexes of consoles alone, in the order of each list. The version before says the same condition in its lists, so it
 * finds these too.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Statements repeat the condition word for word, or the index is not used (sessions/conditions.ts).
  for (const [name, columns] of Object.entries(LISTS))
    await sql`create index ${sql.ref(name)} on sessions (${sql.raw(columns)}) where purpose = 'console'`.execute(
      db,
    );
  await sql`create index sessions_consoles_live on sessions (id)
    where purpose = 'console' and state <> 'ended'`.execute(db);
  for (const name of REPLACED) await db.schema.dropIndex(name).execute();
}
