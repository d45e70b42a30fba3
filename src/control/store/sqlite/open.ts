import { DatabaseSync } from "node:sqlite";
import {
  type CompiledQuery,
  type Dialect,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from "kysely";
import type { Clock } from "#base/clock.ts";
import { migrate } from "../migrations/migrate.ts";
import type { Queries, Store } from "../store.ts";
import { Transactions } from "../transactions.ts";
import { adaptDatabase } from "./adapter.ts";
import { GroupCommitDriver } from "./driver.ts";
import { isDuplicate, isUnavailable } from "./errors.ts";
import { createPrivateFile } from "./private-file.ts";
import { claimSoleUse } from "./sole-use.ts";

const limits = {
  /** How long a statement waits while somebody else, such as a backup, holds the file's lock. */
  busyTimeoutMs: 5000,
} as const;

/**
 * Opens the embedded database, makes it if there is none, and brings its tables up to date. Throws when another
 * process uses it, and when a newer version of Porthole made it.
 */
export async function openSqliteStore(file: string, clock: Clock): Promise<Store> {
  const claim = claimSoleUse(file);
  try {
    const writer = openWriter(file, clock);
    const driver = createDriver(writer, openReader(file, clock));
    const db = new Transactions({ dialect: dialect(driver) });
    await migrate(db);
    keepUndoInMemory(writer);
    return {
      db,
      now: sql<number>`now_ms()`,
      transactionsAtOnce: 1,
      chainsWrites: false,
      async run<Row>(queries: Queries, query: CompiledQuery<Row>) {
        if (queries === db) return await driver.run(query);
        const { rows } = await queries.executeQuery(query);
        return rows;
      },
      // Transactions take turns as it is.
      async lock() {},
      async share() {
        return true;
      },
      allBegunSince: () => sql<boolean>`true`,
      afterCommit: (queries, action) => db.afterCommit(queries, action),
      isDuplicate,
      isUnavailable,
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

function openWriter(file: string, clock: Clock): DatabaseSync {
  // The files that SQLite puts beside it get the same mode.
  createPrivateFile(file);
  const database = connect(file, { clock, readOnly: false });
  // INVARIANT: an acknowledged write is on disk. With less than `full`, WAL loses the last ones to a power cut.
  database.exec("pragma journal_mode = wal; pragma synchronous = full;");
  return database;
}

/**
 * What a savepoint needs to be undone is copied page by page; beyond 64 KiB SQLite puts it into a file of its own, which is
 * four fifths of all that is written while consoles are opened. Only from here on: a migration may sort millions of rows.
 */
function keepUndoInMemory(writer: DatabaseSync): void {
  writer.exec("pragma temp_store = memory;");
}

/** Sees what the writer has committed, and none of what it has begun. To be opened behind it: it makes the files. */
function openReader(file: string, clock: Clock): DatabaseSync {
  return connect(file, { clock, readOnly: true });
}

function connect(
  file: string,
  { clock, readOnly }: { readonly clock: Clock; readonly readOnly: boolean },
): DatabaseSync {
  const database = new DatabaseSync(file, {
    enableForeignKeyConstraints: true,
    enableDoubleQuotedStringLiterals: false,
    timeout: limits.busyTimeoutMs,
    readOnly,
  });
  // An embedded database has no clock but its process's: a server's would be asked here.
  database.function("now_ms", () => clock.now());
  return database;
}

function createDriver(writer: DatabaseSync, reader: DatabaseSync): GroupCommitDriver {
  const [writing, reading] = [adaptDatabase(writer), adaptDatabase(reader)];
  return new GroupCommitDriver({
    writer: {
      // Prepared once, as they are said at each write.
      exec: (sql) => void writing.prepare(sql).run([]),
      get isTransaction() {
        return writer.isTransaction;
      },
    },
    writing,
    reading,
  });
}

function dialect(driver: GroupCommitDriver): Dialect {
  return {
    createAdapter: () => new Adapter(),
    createDriver: () => driver,
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

class Adapter extends SqliteAdapter {
  /** The driver lets writers in one at a time; Kysely need not. */
  override get supportsMultipleConnections(): boolean {
    return true;
  }

  /** SQLite changes tables inside transactions, so a migration that is cut off leaves nothing behind. */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}
