import type { Kysely } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import type { Schema } from "../schema.ts";
import { up as firstLight } from "./0001-first-light.ts";
import { up as thumbnails } from "./0002-thumbnails.ts";
import { up as webSessionKinds } from "./0003-web-session-kinds.ts";
import { up as consoleLists } from "./0004-console-lists.ts";
import { up as cheaperOpens } from "./0005-cheaper-opens.ts";
import { up as entrances } from "./0008-entrances.ts";

/**
 * In the order of their names. A migration that was released is never changed; later ones take away nothing that
 * the version before needs, so that it can still run while a cluster is updated.
 */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001-first-light": { up: firstLight },
  "0002-thumbnails": { up: thumbnails },
  "0003-web-session-kinds": { up: webSessionKinds },
  "0004-console-lists": { up: consoleLists },
  "0005-cheaper-opens": { up: cheaperOpens },
  "0008-entrances": { up: entrances },
};

/** Brings the tables up to date. Throws, having changed nothing, when the database is of a newer version. */
export async function migrate(db: Kysely<Schema>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return;
  const problem = error instanceof Error ? error.message : String(error);
  throw new Error(`the tables cannot be brought up to date: ${problem}`, { cause: error });
}
