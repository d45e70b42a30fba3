import { GatewayError } from "#wire/gateway-error.ts";
import type { WantedAddress } from "#wire/link.ts";
import type { Queries, Store } from "../store/store.ts";
import { familyOf, firstFree, type IpKey, keyOfOrigin } from "./ip-range.ts";

/** Under which whoever gives addresses, takes ranges away, or looks who has which, is alone. */
export const ADDRESSES_LOCK = "public addresses";

interface Given {
  readonly key: IpKey;
  /** The node did not have it before. */
  readonly isNew: boolean;
}

/**
 * Gives a node without an address the first free one out of its pool's ranges; the same again while it can be found there.
 * What a node says that it has by itself is as taken as what was given. Throws `no_public_address`.
 */
export function createAddressGiving(store: Store) {
  return async (db: Queries, nodeId: string, families: WantedAddress["families"]): Promise<Given> => {
    await store.lock(db, ADDRESSES_LOCK);
    const node = await db
      .selectFrom("nodes")
      .select(["pool", "given_key"])
      .where("id", "=", nodeId)
      .executeTakeFirst();
    if (node === undefined) throw new GatewayError("node_refused");
    const { pool, given_key: held } = node;
    if (held !== null && families.includes(familyOf(held))) return { key: held, isNew: false };

    const ranges = await rangesOf(db, pool);
    const fitting = ranges.filter(({ first }) => families.includes(familyOf(first)));
    const taken = await takenBy(db);
    for (const range of fitting) {
      const key = firstFree(range, taken);
      if (key !== undefined) return { key, isNew: true };
    }
    throw new GatewayError("no_public_address", {
      detail: lack(pool, ranges.length, fitting.length, families),
    });
  };
}

async function rangesOf(db: Queries, pool: string) {
  return await db
    .selectFrom("public_ip_ranges")
    .select(["first_key as first", "last_key as last"])
    .where("pool", "=", pool)
    .orderBy("created_at")
    .orderBy("id")
    .execute();
}

/** Every address that a node has, wherever it has it from, and whether the node is up or not. */
async function takenBy(db: Queries): Promise<ReadonlySet<IpKey>> {
  const nodes = await db
    .selectFrom("nodes")
    .select(["given_key", "page_origin", "web_socket_origin"])
    .execute();
  const keys = nodes.flatMap(({ given_key: given, page_origin: page, web_socket_origin: webSocket }) =>
    given === null ? [keyOfOrigin(page), keyOfOrigin(webSocket)] : [given],
  );
  return new Set(keys.filter((key) => key !== undefined));
}

function lack(pool: string, ranges: number, fitting: number, families: WantedAddress["families"]): string {
  if (ranges === 0) return `the pool ${pool} has no public IP range`;
  if (fitting === 0)
    return `the pool ${pool} has no public IP range of ${families.join(" or ")}, which it listens on`;
  return `all public addresses of the pool ${pool} are given`;
}
