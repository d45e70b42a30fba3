import type { SqliteDatabase } from "kysely";

/**
 * Lets the reads of one turn of the event loop share a read transaction. SQLite's cache of pages is worth nothing
 * after each commit of another connection, and each transaction takes and gives back locks: for the short reads that
 * are on the way of every console, that is most of what they cost.
 *
 * INVARIANT: a read sees everything that was committed before it. Nothing else writes to the file, so it is enough that
 * our own commits end the transaction.
 */
export class Snapshot {
  readonly #reading: SqliteDatabase;
  #isOpen = false;

  constructor(reading: SqliteDatabase) {
    this.#reading = reading;
  }

  /** The database as it is now. To be used at once, within the turn. */
  now(): SqliteDatabase {
    if (!this.#isOpen) {
      this.#say("begin");
      this.#isOpen = true;
      setImmediate(() => this.renew());
    }
    return this.#reading;
  }

  /** What is read from now on is read anew. */
  renew(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#say("commit");
  }

  #say(sql: string): void {
    this.#reading.prepare(sql).run([]);
  }
}
