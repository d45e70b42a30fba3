import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, SqliteDatabase } from "kysely";
import type { Queries } from "../store.ts";
import { GroupCommit, type Turn, type Writer } from "./group-commit.ts";
import { Snapshot } from "./snapshot.ts";

/** Two connections to one database in WAL mode. */
interface Connections {
  readonly writer: Writer;
  readonly writing: SqliteDatabase;
  /** Cannot write. */
  readonly reading: SqliteDatabase;
}

/**
 * Kysely's way to SQLite. Writes that come at once share a commit. Reads outside of transactions see what is on
 * disk and nothing else, and wait for nobody.
 */
export class GroupCommitDriver implements Driver {
  readonly #connections: Connections;
  readonly #parts: Parts;
  readonly #transactions = new WeakMap<Queries, DatabaseConnection>();

  constructor(connections: Connections) {
    const { writer, writing, reading } = connections;
    const snapshot = new Snapshot(reading);
    this.#connections = connections;
    this.#parts = { writing, snapshot, commits: new GroupCommit(writer, () => snapshot.renew()) };
  }

  async init(): Promise<void> {}

  /** One query by itself, without what a pool of connections would need. */
  async run<Row>(query: CompiledQuery<Row>): Promise<Row[]> {
    const { rows } = await new Connection(this.#parts).executeQuery<Row>(query);
    return rows;
  }

  /** One query in a transaction of Kysely's. */
  async runIn<Row>(transaction: Queries, query: CompiledQuery<Row>): Promise<Row[]> {
    const known = this.#transactions.get(transaction);
    const connection = known ?? (await connectionOf(transaction));
    if (known === undefined) this.#transactions.set(transaction, connection);
    const { rows } = await connection.executeQuery<Row>(query);
    return rows;
  }

  async acquireConnection(): Promise<Connection> {
    return new Connection(this.#parts);
  }

  async beginTransaction(connection: Connection): Promise<void> {
    await connection.begin();
  }

  async commitTransaction(connection: Connection): Promise<void> {
    await connection.end("keep");
  }

  async rollbackTransaction(connection: Connection): Promise<void> {
    await connection.end("undo");
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    const { commits, snapshot } = this.#parts;
    await commits.settled();
    snapshot.renew();
    this.#connections.reading.close();
    this.#connections.writing.close();
  }
}

/** What a transaction runs on, from its beginning to its end. */
async function connectionOf(transaction: Queries): Promise<DatabaseConnection> {
  return await transaction.getExecutor().provideConnection(async (connection) => connection);
}

interface Parts {
  readonly commits: GroupCommit;
  readonly writing: SqliteDatabase;
  readonly snapshot: Snapshot;
}

/** What one query runs on, or one transaction. */
class Connection implements DatabaseConnection {
  readonly #parts: Parts;
  /** While it is a transaction's. */
  #turn: Turn | undefined;
  #isOver = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async begin(): Promise<void> {
    this.#turn = await this.#parts.commits.begin("several statements");
  }

  async end(outcome: "keep" | "undo"): Promise<void> {
    const turn = this.#turn;
    this.#turn = undefined;
    this.#isOver = true;
    // A transaction whose commit failed is undone already.
    await turn?.end(outcome);
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { writing, snapshot } = this.#parts;
    // INVARIANT: what was meant for a transaction never runs outside of it.
    if (this.#isOver) throw new Error("the transaction is over");
    if (this.#turn !== undefined) return this.#turn.run(() => execute<Row>(writing, query));
    if (isRead(query)) return execute(snapshot.now(), query);
    return await this.#executeAlone(query);
  }

  // biome-ignore lint/correctness/useYield: Kysely asks for the method; nothing of ours streams.
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error("queries on SQLite do not stream");
  }

  /** A statement is a transaction of its own. */
  async #executeAlone<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { commits, writing } = this.#parts;
    const turn = await commits.begin("one statement");
    try {
      const result = turn.run(() => execute<Row>(writing, query));
      await turn.end("keep");
      return result;
    } catch (error) {
      await turn.end("undo");
      throw error;
    }
  }
}

/** What this takes for a write and is none, such as a pragma, only waits longer. */
function isRead({ sql }: CompiledQuery): boolean {
  return /^\s*select\b/i.test(sql);
}

function execute<Row>(database: SqliteDatabase, { sql, parameters }: CompiledQuery): QueryResult<Row> {
  const statement = database.prepare(sql);
  // The statement's own columns, whose types the query's author has declared.
  if (statement.reader) return { rows: statement.all(parameters) as Row[] };
  const { changes, lastInsertRowid } = statement.run(parameters);
  return { insertId: BigInt(lastInsertRowid), numAffectedRows: BigInt(changes), rows: [] };
}
