import { sql } from "kysely";
import { INTEGER, prepare } from "../../store/prepared.ts";
import type { Store } from "../../store/store.ts";

const HOUR_MS = 60 * 60_000;

/** What became of a pool's launches: one whose node joined went well, whatever became of that node later. */
export interface LaunchHistory {
  readonly launchedLately: number;
  /** Attempts since a node last joined: what was ordered at once and failed is one. */
  readonly failures: number;
  readonly failedAt: number | null;
}

/** By pools that have any, at a moment of the database's time in milliseconds. */
export function createHistoryReading(
  store: Store,
): (now: number) => Promise<ReadonlyMap<string, LaunchHistory>> {
  const countLately = prepare(store, { since: INTEGER }, (db, { since }) =>
    db
      .selectFrom("launches")
      .select("pool")
      .select((select) => select.fn.countAll<number>().as("launches"))
      .where("ordered_at", ">", since)
      .groupBy("pool"),
  );
  // Off the index of what failed, which is little.
  const findFailures = prepare(store, {}, (db) =>
    db
      .selectFrom("launches")
      .select(["pool", "ordered_at"])
      // An older version does not write down when that was.
      .select(sql<number>`coalesce(failed_at, ended_at, ordered_at)`.as("at"))
      .where(sql<boolean>`failure is not null`)
      .where("joined_at", "is", null),
  );
  const findLastGood = prepare(store, {}, (db) =>
    db
      .selectFrom("launches")
      .select("pool")
      .select((select) => select.fn.max<number | null>("joined_at").as("at"))
      .groupBy("pool"),
  );

  return async (now) => {
    const { db } = store;
    const lately = await countLately(db, { since: now - HOUR_MS });
    const failures = await findFailures(db, {});
    const good = failures.length === 0 ? [] : await findLastGood(db, {});
    return historyOf(lately, sinceGood(failures, good));
  };
}

interface PoolTime {
  readonly pool: string;
  readonly at: number | null;
}

interface Failure extends PoolTime {
  readonly ordered_at: number;
}

/** By pools the attempts that failed since a node last joined, each with the time of its last failure. */
function sinceGood(
  failures: readonly Failure[],
  good: readonly PoolTime[],
): ReadonlyMap<string, readonly number[]> {
  const goodAt = new Map(good.map(({ pool, at }) => [pool, at ?? 0]));
  const attempts = new Map<string, Map<number, number>>();
  for (const { pool, at, ordered_at: orderedAt } of failures) {
    if (at === null || at <= (goodAt.get(pool) ?? 0)) continue;
    const ofPool = attempts.get(pool) ?? new Map<number, number>();
    attempts.set(pool, ofPool.set(orderedAt, Math.max(at, ofPool.get(orderedAt) ?? 0)));
  }
  return new Map([...attempts].map(([pool, times]) => [pool, [...times.values()]]));
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
