import { Kysely, type KyselyConfig, type Transaction, type TransactionBuilder } from "kysely";
import { withRetries } from "./retries.ts";
import type { Schema } from "./schema.ts";
import type { Queries } from "./store.ts";

interface Options extends KyselyConfig {
  /** Whether the database has undone a transaction for the sake of others, so that it may be run again. */
  readonly isUndone?: (error: unknown) => boolean;
}

/**
 * The database, with transactions that are run again where it has undone them for the sake of others, and that do
 * something once they are on disk.
 */
export class Transactions extends Kysely<Schema> {
  readonly #isUndone: (error: unknown) => boolean;
  /** Of each transaction that runs, what is to be done after it. */
  readonly #after = new WeakMap<Queries, (() => void)[]>();

  constructor({ isUndone = () => false, ...config }: Options) {
    super(config);
    this.#isUndone = isUndone;
  }

  override transaction(): TransactionBuilder<Schema> {
    const builder = super.transaction();
    const once = builder.execute.bind(builder);
    const execute: typeof once = async (work) =>
      await withRetries(async () => await this.#runOnce(once, work), this.#isUndone);
    return Object.assign(builder, { execute });
  }

  /** Once the transaction is on disk, at once where `db` is none, and never if it is undone. */
  afterCommit(db: Queries, action: () => void): void {
    const actions = this.#after.get(db);
    if (actions !== undefined) actions.push(action);
    else if (db.isTransaction) throw new Error("the transaction is over");
    else action();
  }

  async #runOnce<Result>(
    execute: TransactionBuilder<Schema>["execute"],
    work: (transaction: Transaction<Schema>) => Promise<Result>,
  ): Promise<Result> {
    const actions: (() => void)[] = [];
    const result = await execute(async (transaction) => {
      this.#after.set(transaction, actions);
      try {
        return await work(transaction);
      } finally {
        this.#after.delete(transaction);
      }
    });
    for (const action of actions) action();
    return result;
  }
}
