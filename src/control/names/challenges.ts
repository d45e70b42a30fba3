import type { Clock } from "#base/clock.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Store } from "../store/store.ts";

const limits = {
  /** Of one name: a certificate with the domain and all below it takes two, and one that is renewed meanwhile as many. */
  values: 16,
} as const;

/** TXT records that certificate authorities ask for (RFC 8555 §8.4), answered by every replica that serves DNS. */
export interface Challenges {
  /**
   * Adds a value to a name inside the domain, beside others that it has, until it is removed or expires. Replicas are told
   * at once, and look every few seconds in any case.
   */
  add(challenge: Challenge & { readonly lifetimeMs: number }): Promise<void>;
  remove(challenge: Challenge): Promise<void>;
}

interface Challenge {
  /** The whole name, such as _acme-challenge.console.example.com. */
  readonly name: string;
  readonly value: string;
}

/** The challenges of all replicas. */
export function createChallenges({
  store,
  cluster,
  clock,
}: {
  readonly store: Store;
  readonly cluster: Cluster;
  readonly clock: Clock;
}): Challenges {
  return {
    async add({ value, lifetimeMs, ...challenge }) {
      const name = challenge.name.toLowerCase();
      // One string of a TXT record holds no more, and of an authority's there are 43.
      if (Buffer.byteLength(value) > 255) throw new Error("a value has 255 bytes at most");
      const expires_at = clock.now() + lifetimeMs;
      await store.db.transaction().execute(async (db) => {
        await store.lock(db, `dns ${name}`);
        await db.deleteFrom("dns_texts").where("expires_at", "<=", store.now).execute();
        const others = await db
          .selectFrom("dns_texts")
          .select((select) => select.fn.countAll<number>().as("count"))
          .where("name", "=", name)
          .where("value", "<>", value)
          .executeTakeFirst();
        if ((others?.count ?? 0) >= limits.values)
          throw new Error(`${name} has ${limits.values} values already`);
        await db
          .insertInto("dns_texts")
          .values({ name, value, expires_at })
          .onConflict((conflict) => conflict.columns(["name", "value"]).doUpdateSet({ expires_at }))
          .execute();
        await cluster.publish(db, "names", name);
      });
    },

    async remove({ name, value }) {
      await store.db.transaction().execute(async (db) => {
        await db
          .deleteFrom("dns_texts")
          .where("name", "=", name.toLowerCase())
          .where("value", "=", value)
          .execute();
        await cluster.publish(db, "names", name);
      });
    },
  };
}
