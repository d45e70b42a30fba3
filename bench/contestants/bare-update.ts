/**
 * What redemption is at its heart, and nothing else: `update … where … returning` of one row on its key, over the same
 * drivers and databases as control. No link, no TLS, no rights, no machine, no audit log, no grant.
 */
import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import pg from "pg";
import { serve } from "../load/remote.ts";
import { type Takes, timeEach } from "../measure/takes.ts";

export interface BareUpdateCommands {
  /** Opens a database that is empty: a file, or the URL of a PostgreSQL. */
  open(options: { readonly database: string; readonly atOnce: number }): Promise<unknown>;
  /** Makes so many rows that are not redeemed, and resolves to their ids. */
  issue(count: number): Promise<string[]>;
  redeem(options: { readonly ids: readonly string[]; readonly atOnce: number }): Promise<Takes>;
}

interface Database {
  run(sql: string, ...values: readonly string[]): Promise<number>;
}

const TABLE = "create table sessions (id text primary key, state text not null, redeemed_at bigint)";
const INSERT = "insert into sessions (id, state) values ($1, 'pending')";
const REDEEM =
  "update sessions set redeemed_at = 1, state = 'active' where id = $1 and redeemed_at is null and state = 'pending' returning id";

let database: Database | undefined;

serve<BareUpdateCommands>({
  open: async ({ database: where, atOnce }) => {
    database = where.startsWith("postgres:") ? openPostgres(where, atOnce) : openSqlite(where);
    await database.run(TABLE);
  },

  issue: async (count) => {
    const ids = Array.from({ length: count }, () => randomUUID());
    for (const id of ids) await opened().run(INSERT, id);
    return ids;
  },

  redeem: async ({ ids, atOnce }) =>
    await timeEach(ids, atOnce, async (id) => {
      if ((await opened().run(REDEEM, id)) !== 1) throw new Error("a row was redeemed before");
    }),
});

function opened(): Database {
  if (database === undefined) throw new Error("no database was opened");
  return database;
}

/** As durable as control's. */
function openSqlite(path: string): Database {
  const sqlite = new DatabaseSync(path);
  sqlite.exec("pragma journal_mode = wal; pragma synchronous = full");
  const prepared = new Map<string, ReturnType<DatabaseSync["prepare"]>>();
  return {
    async run(sql, ...values) {
      // SQLite takes $1 for a name.
      const statement = prepared.get(sql) ?? sqlite.prepare(sql.replace("$1", "?"));
      prepared.set(sql, statement);
      return statement.all(...values).length;
    },
  };
}

function openPostgres(url: string, connections: number): Database {
  const pool = new pg.Pool({ connectionString: url, max: connections });
  return {
    async run(sql, ...values) {
      const name = sql === TABLE ? {} : { name: sql.slice(0, 6) };
      const { rows } = await pool.query({ text: sql, values: [...values], ...name });
      return rows.length;
    },
  };
}
