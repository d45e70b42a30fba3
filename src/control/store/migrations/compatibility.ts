import { type Kysely, sql } from "kysely";
import type { Schema } from "../schema.ts";

/** Whether the tables have what this version needs, or lack some of it, or have more: a newer version has been here. */
type Standing = "current" | "older" | "newer";

/**
 * How the tables stand to a version that has these migrations. Migrations only add what older versions do not
 * miss: columns with a default or null, tables, indexes. So while a cluster is updated, and when an update is taken back,
 * older replicas start beside newer ones. The day a migration has to do more, it writes its own name into
 * `compatibility.oldest`, and versions that do not know that migration are refused from then on.
 *
 * Throws where the tables are newer, and this version cannot work with them.
 */
export async function standingOf(db: Kysely<Schema>, known: readonly string[]): Promise<Standing> {
  const done = await migrationsDone(db);
  const unknown = done.filter((name) => !known.includes(name));
  const missing = known.filter((name) => !done.includes(name));
  if (unknown.length === 0) return missing.length === 0 ? "current" : "older";
  const oldest = await oldestThatWorks(db);
  const latest = known.at(-1) ?? "";
  if (missing.length === 0 && oldest !== undefined && oldest <= latest) return "newer";
  throw new Error(
    `they are of a newer version (${unknown.join(", ")}), which this one cannot work with; the oldest that can knows ${oldest ?? unknown[0]}`,
  );
}

async function migrationsDone(db: Kysely<Schema>): Promise<readonly string[]> {
  if (!(await hasTable(db, "kysely_migration"))) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map(({ name }) => name);
}

async function oldestThatWorks(db: Kysely<Schema>): Promise<string | undefined> {
  if (!(await hasTable(db, "compatibility"))) return undefined;
  return (await db.selectFrom("compatibility").select("oldest").executeTakeFirst())?.oldest;
}

async function hasTable(db: Kysely<Schema>, name: string): Promise<boolean> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  return tables.some((table) => table.name === name);
}
