import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from "kysely";
import type { PoolClient } from "pg";
import { withRetries } from "../retries.ts";
import { fromDriver, isUnavailable, isUndone, unavailable } from "./errors.ts";
import type { BoundedPool } from "./pool.ts";

/**
 * Kysely's way to PostgreSQL, which differs from Kysely's own in four things: statements on the way of every console
 * are parsed and planned once for each connection, errors are told in the catalogue's words, a connection that
 * something went wrong with is not used again, and a statement by itself that the database has called off for the sake of
 * others is said again (whole transactions are run again in ../transactions.ts).
 */
export class PoolDriver implements Driver {
  readonly #pool: BoundedPool;
  /** The names of prepared statements by their text; as many as there are calls of `prepare`. */
  readonly #names = new Map<string, string>();

  constructor(pool: BoundedPool) {
    this.#pool = pool;
  }

  async init(): Promise<void> {}

  /** From now on the statement is prepared where it runs. */
  keep({ sql }: CompiledQuery): void {
    if (!this.#names.has(sql)) this.#names.set(sql, `porthole_${this.#names.size}`);
  }

  /** One query by itself. */
  async run<Row>(query: CompiledQuery<Row>): Promise<Row[]> {
    const connection = await this.acquireConnection();
    try {
      return (await connection.executeQuery<Row>(query)).rows;
    } finally {
      connection.release();
    }
  }

  async acquireConnection(): Promise<Connection> {
    return new Connection(await this.#pool.connect(), this.#names);
  }

  async beginTransaction(connection: Connection): Promise<void> {
    await connection.begin();
  }

  async commitTransaction(connection: Connection): Promise<void> {
    // PostgreSQL answers a commit of a transaction that has failed with a rollback, and with no error.
    if ((await connection.command("commit")) !== "COMMIT")
      throw unavailable(new Error("the database has undone the transaction"));
  }

  async rollbackTransaction(connection: Connection): Promise<void> {
    await connection.rollback();
  }

  async releaseConnection(connection: Connection): Promise<void> {
    connection.release();
  }

  async destroy(): Promise<void> {
    await this.#pool.end();
  }
}

class Connection implements DatabaseConnection {
  readonly #client: PoolClient;
  readonly #names: ReadonlyMap<string, string>;
  #isBroken = false;
  #isInTransaction = false;

  constructor(client: PoolClient, names: ReadonlyMap<string, string>) {
    this.#client = client;
    this.#names = names;
  }

  async begin(): Promise<void> {
    await this.command("begin");
    this.#isInTransaction = true;
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const asked = { parameters: parameters.map(checked), name: this.#names.get(sql) };
    const ask = async () => await this.#ask(sql, asked);
    const { rows, rowCount } = await (this.#isInTransaction ? ask() : withRetries(ask, isUndone));
    return { rows: rows as Row[], ...(rowCount === null ? {} : { numAffectedRows: BigInt(rowCount) }) };
  }

  /** Resolves to the server's word for what it did. */
  async command(sql: string): Promise<string> {
    return (await this.#ask(sql)).command;
  }

  /**
   * What cannot be undone by a word is undone by the connection's end; so it is where something went wrong with it, as
   * nobody is to wait twice for a server that says nothing.
   */
  async rollback(): Promise<void> {
    if (this.#isBroken) return;
    try {
      await this.command("rollback");
    } catch {
      this.#isBroken = true;
    }
  }

  release(): void {
    this.#client.release(this.#isBroken);
  }

  // biome-ignore lint/correctness/useYield: Kysely asks for the method; nothing of ours streams.
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error("queries do not stream");
  }

  async #ask(
    text: string,
    { parameters = [], name }: { readonly parameters?: unknown[]; readonly name?: string | undefined } = {},
  ) {
    try {
      return await this.#client.query({ text, values: parameters, ...(name === undefined ? {} : { name }) });
    } catch (thrown) {
      const error = fromDriver(thrown);
      this.#isBroken ||= isUnavailable(error) && !isUndone(error);
      throw error;
    }
  }
}

/** What the database has. The driver would write dates and objects in forms of its own. */
function checked(value: unknown): unknown {
  const isPlain =
    value === null ||
    ["string", "number", "bigint", "boolean"].includes(typeof value) ||
    value instanceof Uint8Array;
  if (!isPlain) throw new TypeError(`a ${typeof value} cannot be a parameter`);
  return value;
}
