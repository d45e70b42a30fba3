const limits = {
  /**
   * Of the event loop, before a batch is committed. Where nobody else is, they take microseconds; where many are, those
   * whom one round answers are back with their next question in the following ones, and need no wait of their own.
   */
  rounds: 4,
} as const;

/** What committing together needs of a database connection. */
export interface Writer {
  exec(sql: string): void;
  /** False, inside a transaction, when SQLite has undone it by itself, as it does when the disk is full. */
  readonly isTransaction: boolean;
}

/** One SQLite transaction that carries the writes of several callers. */
interface Batch {
  /** Resolves when it is on disk, rejects when nothing of it is. */
  readonly onDisk: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets writes that come at the same time share one SQLite transaction, and so one wait for the disk, which takes
 * longer than everything else about a write.
 *
 * INVARIANT: what a caller is told has happened is on disk, and a caller whose work failed leaves nothing behind.
 * Callers take turns, each inside a savepoint of its own, so their order is as strict as if each committed by
 * itself; only their wait for the disk is shared. A batch that cannot be committed fails for all who took part.
 */
export class GroupCommit {
  readonly #writer: Writer;
  readonly #turns = new Turns();
  #batch: Batch | undefined;

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  /** Resolves when it is the caller's turn. Nobody else writes until it is ended. */
  async begin(extent: Extent): Promise<Turn> {
    await this.#turns.take();
    try {
      const batch = this.#batch ?? this.#open();
      this.#requireTransaction(batch);
      // A statement that fails is undone by SQLite, and needs no savepoint for it.
      if (extent === "several statements") this.#writer.exec("savepoint turn");
      return {
        run: (work) => this.#run(batch, work),
        end: async (outcome) => await this.#end(batch, { extent, outcome }),
      };
    } catch (error) {
      this.#turns.give();
      throw error;
    }
  }

  /** Resolves when everything that was begun is on disk or undone, also what still waits for its turn. */
  async settled(): Promise<void> {
    await this.#turns.take();
    this.#turns.give();
    await this.#batch?.onDisk.catch(() => {});
  }

  #open(): Batch {
    this.#writer.exec("begin immediate");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Everybody who takes part waits for it; that it fails is no news to anybody else.
    promise.catch(() => {});
    const batch = { onDisk: promise, resolve, reject };
    this.#batch = batch;
    this.#commitAfter(limits.rounds, batch);
    return batch;
  }

  /** Whatever the event loop has at hand meanwhile, such as requests that have just arrived, may still take part. */
  #commitAfter(rounds: number, batch: Batch): void {
    setImmediate(() => {
      if (rounds > 1) this.#commitAfter(rounds - 1, batch);
      else void this.#commit(batch);
    });
  }

  #run<Result>(batch: Batch, work: () => Result): Result {
    this.#requireTransaction(batch);
    try {
      return work();
    } catch (error) {
      if (!this.#writer.isTransaction) this.#abandon(batch, error);
      throw error;
    }
  }

  async #end(batch: Batch, { extent, outcome }: { extent: Extent; outcome: Outcome }): Promise<void> {
    try {
      this.#requireTransaction(batch);
      if (extent === "several statements") this.#leaveSavepoint(outcome);
    } catch (error) {
      this.#abandon(batch, error);
    } finally {
      this.#turns.give();
    }
    await batch.onDisk;
  }

  #leaveSavepoint(outcome: Outcome): void {
    if (outcome === "undo") this.#writer.exec("rollback to turn");
    this.#writer.exec("release turn");
  }

  async #commit(batch: Batch): Promise<void> {
    await this.#turns.take();
    try {
      this.#requireTransaction(batch);
      this.#writer.exec("commit");
      this.#batch = undefined;
      batch.resolve();
    } catch (error) {
      this.#abandon(batch, error);
    } finally {
      this.#turns.give();
    }
  }

  // INVARIANT: nothing is written outside of the batch's transaction, where it would be committed at once.
  #requireTransaction(batch: Batch): void {
    if (this.#batch !== batch || !this.#writer.isTransaction)
      throw new Error("the database has undone the transaction");
  }

  /** The first error is what everybody is told; a later one is its consequence. */
  #abandon(batch: Batch, error: unknown): void {
    batch.reject(error);
    if (this.#batch !== batch) return;
    this.#batch = undefined;
    if (this.#writer.isTransaction) this.#writer.exec("rollback");
  }
}

type Extent = "one statement" | "several statements";
type Outcome = "keep" | "undo";

/** A caller's part of a batch. */
export interface Turn {
  /** Runs statements. Throws when the batch is lost, so that they do not run outside of it. */
  run<Result>(work: () => Result): Result;
  /** Resolves when all that the caller saw and did is on disk; rejects when none of it is. */
  end(outcome: Outcome): Promise<void>;
}

/** First come, first served. */
class Turns {
  readonly #waiting: (() => void)[] = [];
  #taken = false;

  async take(): Promise<void> {
    if (this.#taken) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#taken = true;
  }

  /** Hands over directly, so that nobody who comes between gets in first. */
  give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken = false;
    else next();
  }
}
