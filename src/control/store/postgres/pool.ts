import pg from "pg";
import type { Log } from "#base/process/log.ts";
import type { Secret } from "#base/secret.ts";
import { unavailable } from "./errors.ts";

const limits = {
  /**
   * Connections of one replica, beside the one that it hears others on. PostgreSQL takes 100 of all clients by default,
   * and two cores are kept busy by far fewer.
   */
  connections: 20,
  /** Who may wait for one of them. Whoever comes then is told at once that there is too much to do. */
  waiting: 2_000,
  /** For a connection, also one that another gives back. */
  connectMs: 5_000,
  /** For an answer. The server gives up earlier, and says so; this is for one that says nothing. */
  answerMs: 12_000,
  /** A connection that nobody needs is given back. */
  idleMs: 30_000,
  /** What an installation of millions of rows may need to get a new index. */
  migrationMs: 15 * 60_000,
} as const;

/**
 * Said on every new connection. The bounds are for a replica that stops in the middle of something: what it holds locked
 * is let go of, whether it stands still, or its machine has vanished without a word (only on TCP; a socket has no such).
 *
 * INVARIANT: each statement of a transaction sees what was committed before it, so whoever waited for a lock sees what
 * its holder did (see Store.lock).
 */
const SESSION = `
  set application_name = 'porthole';
  set default_transaction_isolation = 'read committed';
  set statement_timeout = '10s';
  set idle_in_transaction_session_timeout = '5s';
  set tcp_keepalives_idle = 5;
  set tcp_keepalives_interval = 2;
  set tcp_keepalives_count = 2;
  set tcp_user_timeout = '10s';
`;

const MIGRATION_SESSION = `set statement_timeout = '${limits.migrationMs}ms';`;

/** The driver gives bigint as text. Ours are milliseconds and counts, which numbers hold exactly. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format),
};

/** What every connection of ours has. */
export function connectionOptions(url: Secret): pg.ClientConfig {
  return {
    connectionString: url.expose(),
    application_name: "porthole",
    connectionTimeoutMillis: limits.connectMs,
    keepAlive: true,
    types,
  };
}

/** Connections for what control does all the time. */
export class BoundedPool {
  readonly #pool: pg.Pool;

  constructor(url: Secret, log: Log) {
    this.#pool = new pg.Pool({
      ...connectionOptions(url),
      max: limits.connections,
      idleTimeoutMillis: limits.idleMs,
      query_timeout: limits.answerMs,
      onConnect: async (client) => void (await client.query(SESSION)),
    });
    watch(this.#pool, log);
  }

  /** Throws `database_unavailable` also where too many wait already. */
  async connect(): Promise<pg.PoolClient> {
    if (this.#pool.waitingCount >= limits.waiting)
      throw unavailable(new Error("too many wait for a connection"));
    try {
      return await this.#pool.connect();
    } catch (cause) {
      throw unavailable(cause);
    }
  }

  async end(): Promise<void> {
    await this.#pool.end();
  }
}

/** Two connections that may take their time: for migrations. */
export function migrationPool(url: Secret, log: Log): pg.Pool {
  const pool = new pg.Pool({
    ...connectionOptions(url),
    max: 2,
    onConnect: async (client) => void (await client.query(MIGRATION_SESSION)),
  });
  watch(pool, log);
  return pool;
}

/** Where nobody listens, a connection that breaks ends the process. */
function watch(pool: pg.Pool, log: Log): void {
  pool.on("error", (error) => log.warn({ error }, "A connection to the database broke"));
  // While one is in use, its user is told by the statement that fails.
  pool.on("connect", (client) => client.on("error", () => {}));
}
