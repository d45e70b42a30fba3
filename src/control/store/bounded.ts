import type { Queries, Store } from "./store.ts";

/** Says how much room there is for what the transaction is about to add, itself included. */
export type SayRoom = (left: number) => void;

/**
 * Runs a transaction that counts what there is and then adds to it, so that no bound is exceeded however many do so at
 * once. Where there is more room than there can be transactions, they share the key, and pass each other; where it gets
 * narrow they begin again one by one.
 *
 * INVARIANT: of those who share the key, the last to count misses at most one row of each transaction that runs at the
 * same time, and there is room for all of these. Who holds the key alone misses nothing.
 */
export async function addWithinBounds<Result>(
  store: Store,
  key: string,
  work: (db: Queries, sayRoom: SayRoom) => Promise<Result>,
): Promise<Result> {
  const { db, transactionsAtOnce } = store;
  if (transactionsAtOnce > 1) {
    try {
      return await db.transaction().execute(async (transaction) => {
        if (!(await store.share(transaction, key))) throw new TooNarrow();
        return await work(transaction, (left) => {
          if (left <= transactionsAtOnce) throw new TooNarrow();
        });
      });
    } catch (error) {
      if (!(error instanceof TooNarrow)) throw error;
    }
  }
  return await db.transaction().execute(async (transaction) => {
    await store.lock(transaction, key);
    return await work(transaction, () => {});
  });
}

/** Undoes a transaction that others might pass. */
class TooNarrow extends Error {}
