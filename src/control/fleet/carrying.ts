import type { ExpressionBuilder } from "kysely";
import { isLive } from "../sessions/conditions.ts";
import type { Schema } from "../store/schema.ts";

/** Condition on nodes: something is open there, or may come to be by a ticket that was given out. */
export function carries(node: ExpressionBuilder<Schema, "nodes">) {
  return node.exists(
    node
      .selectFrom("sessions")
      .select("sessions.id")
      .whereRef("sessions.node_id", "=", "nodes.id")
      .where(isLive),
  );
}
