import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, SqliteDatabase } from "kysely";
import { fromDriver } from "./errors.ts";
import { GroupCommit, type Turn, type Writer } from "./group-commit.ts";

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
  readonly #commits: GroupCommit;

  constructor(connections: Connections) {
    this.#connections = connections;
    this.#commits = new GroupCommit(connections.writer);
  }

  async init(): Promise<void> {}

  /** One query by itself, without what a pool of connections would need. */
  async run<Row>(query: CompiledQuery<Row>): Promise<Row[]> {
    const { rows } = await new Connection(this.#connections, this.#commits).executeQuery<Row>(query);
    return rows;
  }

  async acquireConnection(): Promise<Connection> {
    return new Connection(this.#connections, this.#commits);
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
    await this.#commits.settled();
    this.#connections.reading.close();
    this.#connections.writing.close();
  }
}

/** What one query runs on, or one transaction. */
class Connection implements DatabaseConnection {
  readonly #connections: Connections;
  readonly #commits: GroupCommit;
  /** While it is a transaction's. */
  #turn: Turn | undefined;
  #isOver = false;

  constructor(connections: Connections, commits: GroupCommit) {
    this.#connections = connections;
    this.#commits = commits;
  }

  async begin(): Promise<void> {
    this.#turn = await told(this.#commits.begin("several statements"));
  }

  async end(outcome: "keep" | "undo"): Promise<void> {
    const turn = this.#turn;
    this.#turn = undefined;
    this.#isOver = true;
    // A transaction whose commit failed is undone already.
    if (turn !== undefined) await told(turn.end(outcome));
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return await told(this.#execute<Row>(query));
  }

  async #execute<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { writing, reading } = this.#connections;
    // INVARIANT: what was meant for a transaction never runs outside of it.
    if (this.#isOver) throw new Error("the transaction is over");
    if (this.#turn !== undefined) return this.#turn.run(() => execute<Row>(writing, query));
    if (isRead(query)) return execute(reading, query);
    return await this.#executeAlone(query);
  }

  // biome-ignore lint/correctness/useYield: Kysely asks for the method; nothing of ours streams.
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error("queries on SQLite do not stream");
  }

  /** A statement is a transaction of its own. */
  async #executeAlone<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { writing } = this.#connections;
    const turn = await this.#commits.begin("one statement");
    const result = await runOrUndo(turn, () => execute<Row>(writing, query));
    await turn.end("keep");
    return result;
  }
}

/** Errors in the catalogue's words. */
async function told<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw fromDriver(error);
  }
}

// INVARIANT: a turn is ended once: a second end would be that of whoever has the turn by then.
async function runOrUndo<Result>(turn: Turn, work: () => Result): Promise<Result> {
  try {
    return turn.run(work);
  } catch (error) {
    await turn.end("undo");
    throw error;
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
