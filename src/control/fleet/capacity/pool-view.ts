import type { Instance, Launcher } from "../launchers/launcher.ts";
import type { CapacityNode, PoolView } from "./decide.ts";
import type { Fleet, FleetNode, FleetOrder } from "./reading.ts";
import { tendLimits } from "./tend.ts";

const limits = {
  /** How long after it joined, or was started again, a node is expected to come up any moment. */
  comingMs: 2 * 60_000,
} as const;

/** What a launcher said that it has, by orders. */
export interface Listing {
  readonly launcher: Launcher;
  /** When it was asked, on this process's own clock. */
  readonly askedAt: number;
  readonly instances: ReadonlyMap<string, Instance>;
}

/** A fleet pool by pool. */
export interface FleetPool {
  readonly nodes: readonly FleetNode[];
  readonly orders: readonly FleetOrder[];
}

export function poolsOf({ nodes, orders }: Fleet, further: Iterable<string>): ReadonlyMap<string, FleetPool> {
  const nodesOf = Map.groupBy(nodes, ({ pool }) => pool);
  const ordersOf = Map.groupBy(orders, ({ pool }) => pool);
  const names = new Set([...further, ...nodesOf.keys(), ...ordersOf.keys()]);
  return new Map(
    [...names].map((name) => [name, { nodes: nodesOf.get(name) ?? [], orders: ordersOf.get(name) ?? [] }]),
  );
}

/** One pool as it is decided about. `listing` is what its launcher has, where it could say so. */
export function poolView(
  { nodes, orders }: FleetPool,
  {
    now,
    lostMs,
    listing,
  }: { readonly now: number; readonly lostMs: number; readonly listing: Listing | undefined },
): Omit<PoolView, "launchedLately" | "failures" | "failedAt"> {
  const orderOf = new Map(orders.map((order) => [order.nodeId, order]));
  const up = nodes.filter(({ isUp }) => isUp);
  // Of nodes that nobody launched, those that may come back any moment are there as well.
  const others = nodes.filter(
    ({ id, isRegistered, seenAt }) => !orderOf.has(id) && isRegistered && now - seenAt <= lostMs,
  );
  return {
    nodes: up.map((node) => toCapacityNode(node, orderOf.get(node.id), listing)),
    coming: orders.filter((order) => isComing(order, now) && order.node?.isUp !== true).length,
    existing: orders.length + others.length,
  };
}

function toCapacityNode(
  { id, sessions, maximumSessions, drainingAt, createdAt }: FleetNode,
  order: FleetOrder | undefined,
  listing: Listing | undefined,
): CapacityNode {
  const isOurs = order !== undefined && order.scope === listing?.launcher.scope;
  const instance = isOurs ? listing.instances.get(order.id) : undefined;
  return {
    id,
    sessions,
    maximumSessions,
    isDraining: drainingAt !== null || order?.state === "removing",
    isLeaving: isOurs && order.state === "leaving",
    isRemovable: order?.state === "joined" && instance?.state === "running" && instance.isRemovable !== false,
    createdAt,
  };
}

function isComing({ state, orderedAt, joinedAt, startedAt, starts }: FleetOrder, now: number): boolean {
  switch (state) {
    case "ordered":
    case "launched":
      return now - orderedAt <= tendLimits.joinMs;
    case "joined":
      // One that has ended so often would have been given up, could it be taken away.
      return starts <= tendLimits.starts && now - Math.max(joinedAt ?? 0, startedAt ?? 0) <= limits.comingMs;
    case "leaving":
    case "removing":
    case "gone":
      return false;
    default:
      return state satisfies never;
  }
}
