import { sql } from "kysely";
import { isLive } from "../../sessions/conditions.ts";
import { INTEGER, prepare } from "../../store/prepared.ts";
import type { Store } from "../../store/store.ts";
import type { LaunchState } from "./launch-states.ts";

const HOUR_MS = 60 * 60_000;

/** A node of any pool whose certificate is taken. */
export interface FleetNode {
  readonly id: string;
  readonly pool: string;
  readonly isUp: boolean;
  readonly isRegistered: boolean;
  readonly seenAt: number;
  readonly drainingAt: number | null;
  readonly drainRevision: number;
  readonly maximumSessions: number | null;
  /** By control's count. */
  readonly sessions: number;
  /** By its own word. */
  readonly saidSessions: number;
  readonly joinedAs: string | null;
  readonly createdAt: number;
}

/** An order that is not gone. */
export interface FleetOrder {
  readonly id: string;
  readonly pool: string;
  readonly scope: string;
  readonly state: LaunchState;
  readonly nodeId: string | null;
  readonly joinsAs: string | null;
  readonly orderedAt: number;
  readonly launchedAt: number | null;
  readonly joinedAt: number | null;
  readonly startedAt: number | null;
  readonly starts: number;
  readonly drainRevision: number | null;
}

/** What became of a pool's launches. */
interface LaunchHistory {
  readonly launchedLately: number;
  readonly failures: number;
  readonly failedAt: number | null;
}

export interface Fleet {
  /** The database's time. */
  readonly now: number;
  readonly nodes: readonly FleetNode[];
  readonly orders: readonly FleetOrder[];
  readonly history: ReadonlyMap<string, LaunchHistory>;
}

/** Reads all that a scan goes by, in a few statements, whatever the size of the fleet. */
export function createFleetReading(store: Store): (silenceMs: number) => Promise<Fleet> {
  const findNodes = prepare(store, {}, (db) =>
    db
      .selectFrom("nodes")
      // Off the index of the sessions that live: see the test.
      .leftJoin(
        (sessions) =>
          sessions
            .selectFrom("sessions")
            .select("node_id")
            .select((select) => select.fn.countAll<number>().as("live"))
            .where(isLive)
            .groupBy("node_id")
            .as("carried"),
        (join) => join.onRef("carried.node_id", "=", "nodes.id"),
      )
      .select(["nodes.id", "nodes.pool", "nodes.seen_at", "nodes.draining_at", "nodes.maximum_sessions"])
      .select([
        "nodes.sessions",
        "nodes.joined_as",
        "nodes.created_at",
        "nodes.drain_revision",
        "carried.live",
      ])
      .select(sql<0 | 1>`case when nodes.incarnation is null then 0 else 1 end`.as("is_registered"))
      .where("nodes.revoked_at", "is", null),
  );
  const findOrders = prepare(store, {}, (db) =>
    db
      .selectFrom("launches")
      .select(["id", "pool", "scope", "state", "node_id", "joins_as"])
      .select(["ordered_at", "launched_at", "joined_at", "started_at", "starts", "drain_revision"])
      .where("ended_at", "is", null)
      .orderBy("ordered_at")
      .orderBy("id"),
  );
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

  return async (silenceMs) => {
    const { db } = store;
    const { now } = await db.selectNoFrom(store.now.as("now")).executeTakeFirstOrThrow();
    const nodes = await findNodes(db, {});
    const orders = await findOrders(db, {});
    const lately = await countLately(db, { sinceMs: HOUR_MS });
    const failures = await findFailures(db, {});
    const good = failures.length === 0 ? [] : await findLastGood(db, {});
    return {
      now,
      nodes: nodes.map((row) => ({
        id: row.id,
        pool: row.pool,
        isUp: row.is_registered === 1 && row.seen_at > now - silenceMs,
        isRegistered: row.is_registered === 1,
        seenAt: row.seen_at,
        drainingAt: row.draining_at,
        drainRevision: row.drain_revision,
        maximumSessions: row.maximum_sessions,
        sessions: row.live ?? 0,
        saidSessions: row.sessions,
        joinedAs: row.joined_as,
        createdAt: row.created_at,
      })),
      orders: orders.map((row) => ({
        id: row.id,
        pool: row.pool,
        scope: row.scope,
        state: row.state,
        nodeId: row.node_id,
        joinsAs: row.joins_as,
        orderedAt: row.ordered_at,
        launchedAt: row.launched_at,
        joinedAt: row.joined_at,
        startedAt: row.started_at,
        starts: row.starts,
        drainRevision: row.drain_revision,
      })),
      history: historyOf(lately, sinceGood(failures, good)),
    };
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
