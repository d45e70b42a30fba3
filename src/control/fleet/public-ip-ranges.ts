import { randomUUID } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import { DEFAULT_POOL } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { PublicIpRange } from "#wire/public-ip-ranges.ts";
import type { Audit } from "../audit/audit.ts";
import { requireAdministrator } from "../rights.ts";
import type { PublicIpRanges } from "../services.ts";
import type { Queries, Store } from "../store/store.ts";
import { ADDRESSES_LOCK } from "./address-giving.ts";
import { addressOf, type IpKey, type IpRange, overlaps, parseIpRange, sizeOf } from "./ip-range.ts";

const limits = {
  /** Ranges of all pools together: all are read when a node is given an address. */
  ranges: 256,
  /** Nodes that are named where they stand in the way. */
  named: 3,
} as const;

interface RangeRow {
  readonly id: string;
  readonly pool: string;
  readonly first_key: IpKey;
  readonly last_key: IpKey;
  readonly created_at: number;
}

/** The public addresses of pools, as administrators see and change them. */
export function createPublicIpRanges({
  store,
  audit,
  clock,
}: {
  readonly store: Store;
  readonly audit: Audit;
  readonly clock: Clock;
}): PublicIpRanges {
  return {
    async list(caller) {
      requireAdministrator(caller);
      const rows = await allRanges(store.db);
      const given = await givenKeys(store.db);
      return rows.map((row) => toRange(row, given));
    },

    async add(caller, { range, pool = DEFAULT_POOL }) {
      requireAdministrator(caller);
      const asked = read(range);
      const keys = { first_key: asked.first, last_key: asked.last };
      const row = { id: randomUUID(), pool, ...keys, created_at: clock.now() };
      return await store.db.transaction().execute(async (db) => {
        await store.lock(db, ADDRESSES_LOCK);
        const others = await allRanges(db);
        if (others.length >= limits.ranges)
          throw new GatewayError("limit_reached", { detail: `${limits.ranges} public IP ranges` });
        const other = others.find((each) => overlaps(asked, { first: each.first_key, last: each.last_key }));
        if (other !== undefined)
          throw new GatewayError("conflict", { detail: `${text(other)} of the pool ${other.pool} overlaps` });
        await db.insertInto("public_ip_ranges").values(row).execute();
        await audit.record(db, { action: "public-ip-range.add", by: caller, ...told(row) });
        return toRange(row, await givenKeys(db));
      });
    },

    async remove(caller, id) {
      requireAdministrator(caller);
      await store.db.transaction().execute(async (db) => {
        // No address of it is given between the look and the end.
        await store.lock(db, ADDRESSES_LOCK);
        const row = await db
          .deleteFrom("public_ip_ranges")
          .where("id", "=", id)
          .returning(["id", "pool", "first_key", "last_key", "created_at"])
          .executeTakeFirst();
        if (row === undefined) throw new GatewayError("not_found", { detail: "public IP range" });
        await requireUnused(db, row);
        await audit.record(db, { action: "public-ip-range.remove", by: caller, ...told(row) });
      });
    },
  };
}

async function allRanges(db: Queries): Promise<RangeRow[]> {
  return await db.selectFrom("public_ip_ranges").selectAll().orderBy("created_at").orderBy("id").execute();
}

/** In their order. */
async function givenKeys(db: Queries): Promise<readonly IpKey[]> {
  const rows = await db
    .selectFrom("nodes")
    .select("given_key")
    .where("given_key", "is not", null)
    .orderBy("given_key")
    .execute();
  return rows.flatMap(({ given_key: key }) => (key === null ? [] : [key]));
}

/** Throws `conflict`, naming who stands in the way, whether it is up or not. */
async function requireUnused(db: Queries, { first_key, last_key }: RangeRow): Promise<void> {
  const users = await db
    .selectFrom("nodes")
    .select(["id", "given_key"])
    .where("given_key", ">=", first_key)
    .where("given_key", "<=", last_key)
    .orderBy("given_key")
    .execute();
  if (users.length === 0) return;
  const named = users
    .slice(0, limits.named)
    .map(({ id, given_key: key }) => `${addressOf(key ?? "")} (node ${id})`);
  const more = users.length > named.length ? ` and ${users.length - named.length} more` : "";
  throw new GatewayError("conflict", {
    detail: `nodes have addresses of it: ${named.join(", ")}${more}; remove them, or give them a --public-address, first`,
  });
}

function read(text: string): IpRange {
  try {
    return parseIpRange(text);
  } catch (cause) {
    const detail = `range: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new GatewayError("request_invalid", { cause, detail });
  }
}

function told(row: RangeRow) {
  const object = { kind: "public-ip-range", id: row.id } as const;
  return { object, detail: `${text(row)} pool ${row.pool}` };
}

function text({ first_key, last_key }: RangeRow): string {
  return `${addressOf(first_key)}-${addressOf(last_key)}`;
}

function toRange(row: RangeRow, given: readonly IpKey[]): PublicIpRange {
  const { first_key: first, last_key: last } = row;
  return {
    id: row.id,
    pool: row.pool,
    first: addressOf(first),
    last: addressOf(last),
    size: Math.min(Number(sizeOf({ first, last })), Number.MAX_SAFE_INTEGER),
    used: given.filter((key) => first <= key && key <= last).length,
    createdAt: new Date(row.created_at).toISOString(),
  };
}
