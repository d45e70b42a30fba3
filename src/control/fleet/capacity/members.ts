import { sql } from "kysely";
import type { Queries } from "../../store/store.ts";
import type { LaunchState } from "./launch-states.ts";

/** What a member has of its node: nothing, where that is not there. */
const NODE_COLUMNS = [
  ...["id", "pool", "seen_at", "draining_at", "maximum_sessions", "sessions"],
  ...["joined_as", "created_at", "drain_revision", "is_registered"],
] as const;

interface NodeColumns {
  readonly id: string;
  readonly pool: string;
  readonly seen_at: number;
  readonly draining_at: number | null;
  readonly maximum_sessions: number | null;
  readonly sessions: number;
  readonly joined_as: string | null;
  readonly created_at: number;
  readonly drain_revision: number;
  readonly is_registered: 0 | 1;
}

const ORDER_COLUMNS = [
  ...(["orders.id as order_id", "orders.pool as order_pool", "orders.scope", "orders.state"] as const),
  ...(["orders.node_id", "orders.ordered_at", "orders.launched_at", "orders.joined_at"] as const),
  ...(["orders.started_at", "orders.starts", "orders.drain_revision as left_revision"] as const),
] as const;

interface OrderColumns {
  readonly order_id: string;
  readonly order_pool: string;
  readonly scope: string;
  readonly state: LaunchState;
  readonly node_id: string | null;
  readonly ordered_at: number;
  readonly launched_at: number | null;
  readonly joined_at: number | null;
  readonly started_at: number | null;
  readonly starts: number;
  readonly left_revision: number | null;
}

type NoneOf<Columns> = { readonly [Name in keyof Columns]: null };

/** A node whose certificate is taken, an order that is not gone, or both. */
type Member = (NodeColumns | NoneOf<NodeColumns>) & (OrderColumns | NoneOf<OrderColumns>);

/**
 * Nodes, each with its order where it has one, and orders whose nodes are not there: in one statement, so that no node joins
 * between the one and the other. A full join would do, and takes SQLite seconds.
 */
export function selectMembers(db: Queries) {
  const orders = db
    .selectFrom("launches")
    .select(["id", "pool", "scope", "state", "node_id", "ordered_at", "launched_at", "joined_at"])
    .select(["started_at", "starts", "drain_revision"])
    .where("ended_at", "is", null);
  const nodes = db
    .selectFrom("nodes")
    .leftJoin(orders.as("orders"), "orders.node_id", "nodes.id")
    .select(["nodes.id", "nodes.pool", "nodes.seen_at", "nodes.draining_at", "nodes.maximum_sessions"])
    .select(["nodes.sessions", "nodes.joined_as", "nodes.created_at", "nodes.drain_revision"])
    .select(sql<0 | 1 | null>`case when nodes.incarnation is null then 0 else 1 end`.as("is_registered"))
    .select(ORDER_COLUMNS)
    .where("nodes.revoked_at", "is", null)
    .$castTo<Member>();
  const without = db
    .selectFrom(orders.as("orders"))
    .select(NODE_COLUMNS.map((column) => sql<null>`null`.as(column)))
    .select(ORDER_COLUMNS)
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom("nodes")
            .select("nodes.id")
            .whereRef("nodes.id", "=", "orders.node_id")
            .where("nodes.revoked_at", "is", null),
        ),
      ),
    )
    .$castTo<Member>();
  return nodes.unionAll(without);
}
