import type { CheckName, Seen } from "#wire/self-check.ts";
import type { Store } from "../store/store.ts";

const limits = {
  /** Whoever has mended those is told of the others when he looks again. */
  pools: 20,
} as const;

/** Pools that machines are in and no node is: a name that somebody mistyped is seen nowhere else until a console is wanted. */
export async function emptyPoolLines({ db }: Pick<Store, "db">): Promise<readonly Seen<CheckName>[]> {
  const rows = await db
    .selectFrom("machines")
    .select(["pool", ({ fn }) => fn.countAll<number>().as("count")])
    .where("pool", "not in", db.selectFrom("nodes").select("pool").where("revoked_at", "is", null))
    .groupBy("pool")
    .orderBy("pool")
    .limit(limits.pools)
    .execute();
  return rows.map(({ pool, count }) => ({
    check: "control.pool",
    subject: pool,
    finding: "pool_without_nodes",
    facts: { machines: String(count) },
  }));
}
