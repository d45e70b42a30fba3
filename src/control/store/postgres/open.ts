import {
  CompiledQuery,
  type Dialect,
  Kysely,
  PostgresAdapter,
  PostgresDialect,
  PostgresIntrospector,
  type RawBuilder,
  sql,
} from "kysely";
import type { Log } from "#base/process/log.ts";
import type { Secret } from "#base/secret.ts";
import { migrate } from "../migrations/migrate.ts";
import type { Schema } from "../schema.ts";
import type { Queries, Store } from "../store.ts";
import { Transactions } from "../transactions.ts";
import { PoolDriver } from "./driver.ts";
import { isDuplicate, isUnavailable, isUndone } from "./errors.ts";
import { BoundedPool, migrationPool } from "./pool.ts";
import { BytewiseQueryCompiler } from "./query-compiler.ts";

interface Options {
  readonly url: Secret;
  readonly log: Log;
  /** Another clock than the server's, for tests in which time passes when they say so. */
  readonly now?: RawBuilder<number>;
}

/**
 * Opens the database that replicas share, and brings its tables up to date. Replicas that start at once do that one
 * after the other. Throws when the server is not to be had, and when a newer version of Porthole made the tables and
 * this one cannot work with them.
 */
export async function openPostgresStore({ url, log, now = serverTime }: Options): Promise<Store> {
  await prepareTables(url, log);
  const driver = new PoolDriver(new BoundedPool(url, log));
  const db = new Transactions({ dialect: dialect(driver), isUndone });
  const run = async <Row>(queries: Queries, query: CompiledQuery<Row>): Promise<Row[]> => {
    driver.keep(query);
    if (queries === db) return await driver.run(query);
    const { rows } = await queries.executeQuery(query);
    return rows;
  };
  try {
    return {
      db,
      now,
      transactionsAtOnce: await mostConnections(db),
      chainsWrites: true,
      run,
      async lock(transaction, key) {
        await run(transaction, CompiledQuery.raw(LOCK, [key]));
      },
      async share(transaction, key) {
        const [row] = await run(transaction, CompiledQuery.raw(SHARE, [key]) as CompiledQuery<Shared>);
        return row?.shared === true;
      },
      afterCommit: (queries, action) => db.afterCommit(queries, action),
      isDuplicate,
      isUnavailable,
      close: async () => await db.destroy(),
    };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

/** Of the statement's begin, so that it is one moment in all of the statement, and an index can be asked for it. */
const serverTime = sql<number>`(extract(epoch from statement_timestamp()) * 1000)::bigint`;

async function prepareTables(url: Secret, log: Log): Promise<void> {
  const db = new Kysely<Schema>({ dialect: new MigrationDialect({ pool: migrationPool(url, log) }) });
  try {
    await requireUnicode(db);
    await migrate(db);
  } finally {
    await db.destroy();
  }
}

async function requireUnicode(db: Queries): Promise<void> {
  const { rows } = await sql<{ server_encoding: string }>`show server_encoding`.execute(db);
  const encoding = rows[0]?.server_encoding;
  if (encoding !== "UTF8") throw new Error(`the database's encoding is ${encoding} and has to be UTF8`);
}

/** No more transactions than this run at once, of all replicas together. */
async function mostConnections(db: Queries): Promise<number> {
  const { rows } = await sql<{ max_connections: string }>`show max_connections`.execute(db);
  return Number(rows[0]?.max_connections);
}

interface Shared {
  readonly shared: boolean;
}

/** Advisory locks of the transaction. Compiled once, as every console that is opened says one of them. */
const TURN = "hashtextextended('porthole ' || $1, 0)";
const LOCK = `select pg_advisory_xact_lock(${TURN})`;
const SHARE = `select pg_try_advisory_xact_lock_shared(${TURN}) as shared`;

function dialect(driver: PoolDriver): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => driver,
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new BytewiseQueryCompiler(),
  };
}

class MigrationDialect extends PostgresDialect {
  override createQueryCompiler(): BytewiseQueryCompiler {
    return new BytewiseQueryCompiler();
  }
}
