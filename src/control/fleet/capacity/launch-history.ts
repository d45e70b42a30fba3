import { sql } from "kysely";
import { INTEGER, prepare } from "../../store/prepared.ts";
import type { Store } from "../../store/store.ts";

const HOUR_MS = 60 * 60_000;

/** What became of a pool's launches. */
export interface LaunchHistory {
  readonly launchedLately: number;
  readonly failures: number;
  readonly failedAt: number | null;
}

/** By pools that have any. */
export function createHistoryReading(store: Store): () => Promise<ReadonlyMap<string, LaunchHistory>> {
  const countLately = prepare(store, { sinceMs: INTEGER }, (db, { sinceMs }) =>
    db
      .selectFrom("launches")
      .select("pool")
      .select((select) => select.fn.countAll<number>().as("launches"))
      .where("ordered_at", ">", (where) => where(store.now, "-", sinceMs))
      .groupBy("pool"),
  );
  // Off the index of what failed, which is little.
  const findFailures = prepare(store, {}, (db) =>
    db
      .selectFrom("launches")
      .select("pool")
      // An older version does not write down when that was.
      .select(sql<number>`coalesce(failed_at, ended_at, ordered_at)`.as("at"))
      .where(sql<boolean>`failure is not null`),
  );
  const findLastGood = prepare(store, {}, (db) =>
    db
      .selectFrom("launches")
      .select("pool")
      .select((select) => select.fn.max<number | null>("joined_at").as("at"))
      .where(sql<boolean>`failure is null`)
      .groupBy("pool"),
  );

  return async () => {
    const { db } = store;
    const lately = await countLately(db, { sinceMs: HOUR_MS });
    const failures = await findFailures(db, {});
    const good = failures.length === 0 ? [] : await findLastGood(db, {});
    return historyOf(lately, sinceGood(failures, good));
  };
}

interface PoolTime {
  readonly pool: string;
  readonly at: number | null;
}

/** The times of a pool's failures since a node last joined that went well. */
function sinceGood(
  failures: readonly PoolTime[],
  good: readonly PoolTime[],
): ReadonlyMap<string, readonly number[]> {
  const goodAt = new Map(good.map(({ pool, at }) => [pool, at ?? 0]));
  const counted = failures.flatMap(({ pool, at }) =>
    at !== null && at > (goodAt.get(pool) ?? 0) ? [{ pool, at }] : [],
  );
  const byPool = Map.groupBy(counted, ({ pool }) => pool);
  return new Map([...byPool].map(([pool, each]) => [pool, each.map(({ at }) => at)]));
}

function historyOf(
  lately: readonly { readonly pool: string; readonly launches: number }[],
  failures: ReadonlyMap<string, readonly number[]>,
): ReadonlyMap<string, LaunchHistory> {
  const launches = new Map(lately.map(({ pool, launches: count }) => [pool, count]));
  const pools = new Set([...launches.keys(), ...failures.keys()]);
  return new Map(
    [...pools].map((pool) => {
      const times = failures.get(pool) ?? [];
      const failedAt = times.length === 0 ? null : times.reduce((latest, at) => Math.max(latest, at));
      return [pool, { launchedLately: launches.get(pool) ?? 0, failures: times.length, failedAt }];
    }),
  );
}
