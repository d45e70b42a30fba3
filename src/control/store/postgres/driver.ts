import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from "kysely";
import type { PoolClient, QueryArrayResult } from "pg";
import { withRetries } from "../retries.ts";
import { type RowMaker, rowMaker } from "../row-maker.ts";
import { fromDriver, isUnavailable, isUndone, unavailable } from "./errors.ts";
import type { BoundedPool } from "./pool.ts";

/** A statement that is prepared where it runs. */
interface Kept {
  readonly name: string;
  /** Made with its first answer, which names its columns. */
  toRow?: RowMaker<unknown>;
}

/**
 * Kysely's way to PostgreSQL, which differs from Kysely's own in four things: statements on the way of every console
 * are parsed and planned once for each connection, errors are told in the catalogue's words, a connection that
 * something went wrong with is not used again, and a statement by itself that the database has called off for the sake of
 * others is said again (whole transactions are run again in ../transactions.ts).
 */
export class PoolDriver implements Driver {
  readonly #pool: BoundedPool;
  /** Prepared statements by their text; as many as there are calls of `prepare`. */
  readonly #kept = new Map<string, Kept>();

  constructor(pool: BoundedPool) {
    this.#pool = pool;
  }

  async init(): Promise<void> {}

  /** From now on the statement is prepared where it runs. */
  keep({ sql }: CompiledQuery): void {
    if (!this.#kept.has(sql)) this.#kept.set(sql, { name: `porthole_${this.#kept.size}` });
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
    return new Connection(await this.#pool.connect(), this.#kept);
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
  readonly #kept: ReadonlyMap<string, Kept>;
  #isBroken = false;
  #isInTransaction = false;

  constructor(client: PoolClient, kept: ReadonlyMap<string, Kept>) {
    this.#client = client;
    this.#kept = kept;
  }

  async begin(): Promise<void> {
    await this.command("begin");
    this.#isInTransaction = true;
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const values = parameters.map(checked);
    const kept = this.#kept.get(sql);
    const ask = async () =>
      await (kept === undefined ? this.#ask(sql, values) : this.#askKept(sql, values, kept));
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

  async #ask(text: string, values: unknown[] = []) {
    return await this.#orBreak(async () => await this.#client.query({ text, values }));
  }

  async #askKept(text: string, values: unknown[], kept: Kept) {
    const asked = { text, values, name: kept.name, rowMode: "array" } as const;
    const { rows, fields, rowCount } = await this.#orBreak<QueryArrayResult<unknown[]>>(
      async () => await this.#client.query(asked),
    );
    kept.toRow ??= rowMaker(fields.map(({ name }) => name));
    return { rows: rows.map(kept.toRow), rowCount };
  }

  async #orBreak<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    try {
      return await ask();
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
