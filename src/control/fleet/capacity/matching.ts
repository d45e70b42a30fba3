import type { Log } from "#base/process/log.ts";
import { type Instance, type Launcher, ORDER_ID } from "../launchers/launcher.ts";
import type { Launches } from "./launches.ts";
import type { Listing } from "./pool-view.ts";
import type { Fleet, FleetNode, FleetOrder } from "./reading.ts";

const limits = {
  /** Of those that no order is known of, how many are taken on at a scan: whoever lists thousands may have lost his mind. */
  leftovers: 100,
} as const;

interface MatchParts {
  readonly launches: Launches;
  readonly launchers: ReadonlyMap<string, Launcher>;
  /** Whether one that no order is known of may be taken on. */
  readonly mayTake: (orderId: string) => boolean;
  readonly log: Log;
}

/**
 * Instances whose nodes join by themselves find their nodes, and those that nobody knows find their end. Resolves to whether
 * anything was written down.
 */
export async function matchInstances(
  { launcher, instances }: Listing,
  { nodes, orders }: Fleet,
  { launches, launchers, mayTake, log }: MatchParts,
): Promise<boolean> {
  const known = new Map(orders.map((order) => [order.id, order]));
  // Mostly there is none.
  const toMatch = [...instances.values()].filter(
    ({ orderId, joinsAs }) => joinsAs !== undefined || !known.has(orderId),
  );
  if (toMatch.length === 0) return false;
  // A pod that goes and the one that comes after it have one name: what one order has is no other's, and what nobody has is
  // rather of the one that comes.
  const ownerOf = new Map(orders.map(({ id, nodeId }) => [nodeId, id]));
  const podsOf = Map.groupBy(nodes, ({ joinedAs }) => joinedAs);
  const isGoing = ({ orderId }: Instance) => known.get(orderId)?.state === "removing";
  let leftovers = 0;
  let isChanged = false;
  for (const instance of toMatch.toSorted((a, b) => Number(isGoing(a)) - Number(isGoing(b)))) {
    const { orderId, pool, joinsAs } = instance;
    const order = known.get(orderId);
    const pods = joinsAs === undefined ? [] : (podsOf.get(joinsAs) ?? []);
    // Those of another pool joined before an operator gave their launcher to this one.
    const own = pods.filter((node) => node.pool === pool && (ownerOf.get(node.id) ?? orderId) === orderId);
    const node = newest(own);
    if (order === undefined) {
      // What a launcher lists is input like any other: orders are UUIDs, and of its pools.
      const isOne = ORDER_ID.test(orderId) && launchers.get(pool) === launcher;
      if (!isOne || !mayTake(orderId) || leftovers === limits.leftovers) continue;
      if (!(await launches.takeLeftover(instance, { launcher, nodeId: node?.id }))) continue;
      leftovers += 1;
      isChanged = true;
      log.warn({ orderId, launcher: launcher.scope }, "An instance was found that no order is known of");
    } else if (node !== undefined && joinsAs !== undefined) {
      if (await noteNode(launches, order, { nodeId: node.id, joinsAs })) isChanged = true;
    }
    if (node !== undefined) ownerOf.set(node.id, orderId);
  }
  return isChanged;
}

async function noteNode(
  launches: Launches,
  order: FleetOrder,
  found: { readonly nodeId: string; readonly joinsAs: string },
): Promise<boolean> {
  if (order.state === "removing")
    return order.node === undefined && (await launches.noteJoinedLate(order.id, found));
  return found.nodeId !== order.nodeId && (await launches.noteJoined(order.id, found));
}

/** A pod that was made anew joins anew, under the same name. */
function newest(nodes: readonly FleetNode[]): FleetNode | undefined {
  return nodes.toSorted((a, b) => b.createdAt - a.createdAt)[0];
}
