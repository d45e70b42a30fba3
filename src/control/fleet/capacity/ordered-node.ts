import { isLive } from "../../sessions/conditions.ts";
import type { Queries, Store } from "../../store/store.ts";
import { hasSettled } from "../draining.ts";
import type { LaunchState } from "./launch-states.ts";

/** An order's node as it is now. */
export interface OrderedNode {
  readonly id: string;
  readonly isUp: boolean;
  readonly isDraining: boolean;
  /** Nothing is given to it, whatever it does: another start of it takes this back of no such drain. */
  readonly isKeptEmpty: boolean;
  /** It is emptied to be taken away, and nobody has said anything else of it since. */
  readonly isLeaving: boolean;
  /** It carries nothing, and nothing is on its way to it. */
  readonly isEmpty: boolean;
}

/**
 * Reads the node of an order, as it stays until the transaction ends: nobody drains it, takes it back, registers it or
 * hears of it meanwhile. `undefined` where it has none, or one that an operator has removed or revoked; "another" where
 * it has got another one just now.
 */
export async function lockNode(
  db: Queries,
  orderId: string,
  { store, silenceMs }: { readonly store: Store; readonly silenceMs: number },
): Promise<OrderedNode | "another" | undefined> {
  const found = await db
    .selectFrom("launches")
    .select("node_id")
    .where("id", "=", orderId)
    .executeTakeFirst();
  const nodeId = found?.node_id ?? null;
  if (nodeId === null) return undefined;
  // As everybody does who takes both: the node first, then the order.
  await store.lock(db, `node ${nodeId}`);
  // These two change nothing and hold the rows: of a node that is silent nothing is heard until this transaction is over.
  const order = await db
    .updateTable("launches")
    .set((launch) => ({ node_id: launch.ref("node_id") }))
    .where("id", "=", orderId)
    .returning(["node_id", "drain_revision"])
    .executeTakeFirst();
  if (order?.node_id !== nodeId) return "another";
  const row = await db
    .updateTable("nodes")
    .set((node) => ({ drain_revision: node.ref("drain_revision") }))
    .where("id", "=", nodeId)
    .where("revoked_at", "is", null)
    .returning(["incarnation", "draining_at", "drain_outcome", "drain_deadline", "drain_revision"])
    .returning((node) => [
      node
        .case()
        .when("seen_at", ">", node(store.now, "-", silenceMs))
        .then(1)
        .else(0)
        .end()
        .as("is_heard"),
    ])
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const isSettled = await hasSettled(db, store, nodeId);
  const session = await db
    .selectFrom("sessions")
    .select("id")
    .where("node_id", "=", nodeId)
    .where(isLive)
    .limit(1)
    .executeTakeFirst();
  const { draining_at: drainingAt, drain_outcome: outcome, drain_deadline: deadline } = row;
  const stays = outcome === "stay" || outcome === "stop" || outcome === "destroy";
  return {
    id: nodeId,
    isUp: row.incarnation !== null && row.is_heard === 1,
    isDraining: drainingAt !== null,
    isKeptEmpty: drainingAt !== null && stays,
    isLeaving:
      drainingAt !== null &&
      outcome === "stay" &&
      deadline === null &&
      row.drain_revision === (order.drain_revision ?? row.drain_revision),
    isEmpty: isSettled && session === undefined,
  };
}

/**
 * Whether what was found of an order whose node is to go is so still. Between the reading of a scan and what is done about
 * it the node may have been heard of again, an operator may have taken it back, or a viewer may have come.
 */
export function mayGo(
  node: OrderedNode | undefined,
  { from, failure }: { readonly from: LaunchState; readonly failure: string | null },
): boolean {
  if (node === undefined || from === "removing") return true;
  if (from === "leaving") return node.isLeaving && (!node.isUp || node.isEmpty);
  return failure !== null && !node.isUp;
}
