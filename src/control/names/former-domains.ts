import { Type } from "typebox";
import { Compile } from "typebox/schema";
import { prepare } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";

/**
 * Nobody sets it, and it is not in the list of settings; it is kept in their table because it is one short text as well, which
 * versions that do not know it leave alone.
 */
const ROW = "dns.former.domains";

/** Domains that nodes have had certificates for, and when the last one was seen to have, in milliseconds since 1970. */
export type FormerDomains = ReadonlyMap<string, number>;

const Kept = Compile(Type.Record(Type.String(), Type.Number()));

/** Keeps former domains for replicas that start anew, and for one another. What another version wrote is none. */
export function createFormerDomains(store: Store): {
  readonly read: () => Promise<FormerDomains>;
  readonly write: (domains: FormerDomains) => Promise<void>;
} {
  const find = prepare(store, {}, (db) => db.selectFrom("settings").select("value").where("name", "=", ROW));
  return {
    async read() {
      const [row] = await find(store.db, {});
      return row === undefined ? new Map() : parse(row.value);
    },

    async write(domains) {
      const value = JSON.stringify(Object.fromEntries(domains));
      await store.db
        .insertInto("settings")
        .values({ name: ROW, value })
        .onConflict((conflict) => conflict.column("name").doUpdateSet({ value }))
        .execute();
    },
  };
}

function parse(text: string): FormerDomains {
  let kept: unknown;
  try {
    kept = JSON.parse(text);
  } catch {
    return new Map();
  }
  return Kept.Check(kept) ? new Map(Object.entries(kept)) : new Map();
}
