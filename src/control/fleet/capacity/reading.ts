import { isLive } from "../../sessions/conditions.ts";
import { prepare } from "../../store/prepared.ts";
import type { Store } from "../../store/store.ts";
import { createHistoryReading, type LaunchHistory } from "./launch-history.ts";
import type { LaunchState } from "./launch-states.ts";
import { selectMembers } from "./members.ts";

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
  /** Where it is there. */
  readonly node: FleetNode | undefined;
  readonly orderedAt: number;
  readonly launchedAt: number | null;
  readonly joinedAt: number | null;
  readonly startedAt: number | null;
  readonly starts: number;
  readonly drainRevision: number | null;
}

export interface Fleet {
  /** The database's time. */
  readonly now: number;
  readonly nodes: readonly FleetNode[];
  /** The oldest first: of those that are worked on, where not all can be at once, it is they. */
  readonly orders: readonly FleetOrder[];
  readonly history: ReadonlyMap<string, LaunchHistory>;
}

/**
 * Reads all that a scan goes by, in a few statements, whatever the size of the fleet. Nodes and orders are of one moment; the
 * count of sessions is of another, as nothing is taken away by it that is not looked at again (ordered-node.ts).
 */
export function createFleetReading(store: Store): (silenceMs: number) => Promise<Fleet> {
  const findMembers = prepare(store, {}, selectMembers);
  const countSessions = prepare(store, {}, (db) =>
    db
      .selectFrom("sessions")
      .select("node_id")
      .select((select) => select.fn.countAll<number>().as("live"))
      .where(isLive)
      .groupBy("node_id"),
  );
  const findHistory = createHistoryReading(store);

  return async (silenceMs) => {
    const { db } = store;
    const { now } = await db.selectNoFrom(store.now.as("now")).executeTakeFirstOrThrow();
    // Two of the database's processes work at once, where it has such.
    const [rows, counted] = await Promise.all([findMembers(db, {}), countSessions(db, {})]);
    const live = new Map<string | null, number>();
    for (const row of counted) live.set(row.node_id, row.live);
    const history = await findHistory(now);
    const nodes: FleetNode[] = [];
    const orders: FleetOrder[] = [];
    for (const row of rows) {
      const node: FleetNode | undefined =
        row.id === null
          ? undefined
          : {
              id: row.id,
              pool: row.pool,
              isUp: row.is_registered === 1 && row.seen_at > now - silenceMs,
              isRegistered: row.is_registered === 1,
              seenAt: row.seen_at,
              drainingAt: row.draining_at,
              drainRevision: row.drain_revision,
              maximumSessions: row.maximum_sessions,
              sessions: live.get(row.id) ?? 0,
              saidSessions: row.sessions,
              joinedAs: row.joined_as,
              createdAt: row.created_at,
            };
      if (node !== undefined) nodes.push(node);
      if (row.order_id !== null)
        orders.push({
          id: row.order_id,
          pool: row.order_pool,
          scope: row.scope,
          state: row.state,
          nodeId: row.node_id,
          node,
          orderedAt: row.ordered_at,
          launchedAt: row.launched_at,
          joinedAt: row.joined_at,
          startedAt: row.started_at,
          starts: row.starts,
          drainRevision: row.left_revision,
        });
    }
    return { now, nodes, orders: orders.sort(byAge), history };
  };
}

function byAge(a: FleetOrder, b: FleetOrder): number {
  return a.orderedAt - b.orderedAt || (a.id < b.id ? -1 : 1);
}
