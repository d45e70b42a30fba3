import { DatabaseSync } from "node:sqlite";
import {
  type Dialect,
  Kysely,
  SqliteAdapter,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from "kysely";
import type { Clock } from "#base/clock.ts";
import { migrate } from "../migrations/migrate.ts";
import type { Schema } from "../schema.ts";
import type { Store } from "../store.ts";
import { adaptDatabase } from "./adapter.ts";
import { createPrivateFile } from "./private-file.ts";
import { claimSoleUse } from "./sole-use.ts";

const limits = {
  /** How long a statement waits while somebody else, such as a backup, holds the file's lock. */
  busyTimeoutMs: 5000,
} as const;

/** SQLITE_CONSTRAINT_PRIMARYKEY and SQLITE_CONSTRAINT_UNIQUE. */
const DUPLICATE_CODES: readonly unknown[] = [1555, 2067];

/**
 * Opens the embedded database, makes it if there is none, and brings its tables up to date. Throws when another
 * process uses it, and when a newer version of Porthole made it.
 */
export async function openSqliteStore(file: string, clock: Clock): Promise<Store> {
  const claim = claimSoleUse(file);
  try {
    const db = new Kysely<Schema>({ dialect: dialect(open(file, clock)) });
    await migrate(db);
    return {
      db,
      now: sql<number>`now_ms()`,
      isDuplicate,
      async close() {
        await db.destroy();
        claim.release();
      },
    };
  } catch (error) {
    claim.release();
    throw error;
  }
}

function open(file: string, clock: Clock): DatabaseSync {
  // The files that SQLite puts beside it get the same mode.
  createPrivateFile(file);
  const database = new DatabaseSync(file, {
    enableForeignKeyConstraints: true,
    enableDoubleQuotedStringLiterals: false,
    timeout: limits.busyTimeoutMs,
  });
  // INVARIANT: an acknowledged write is on disk. With less than `full`, WAL loses the last ones to a power cut.
  database.exec("pragma journal_mode = wal; pragma synchronous = full;");
  // An embedded database has no clock but its process's: a server's would be asked here.
  database.function("now_ms", () => clock.now());
  return database;
}

function dialect(database: DatabaseSync): Dialect {
  return {
    createAdapter: () => new TransactionalDdlAdapter(),
    createDriver: () => new SqliteDriver({ database: adaptDatabase(database) }),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** SQLite changes tables inside transactions, so a migration that is cut off leaves nothing behind. */
class TransactionalDdlAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

function isDuplicate(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && DUPLICATE_CODES.includes(error.errcode);
}
