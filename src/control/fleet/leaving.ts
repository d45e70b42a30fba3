import { sql } from "kysely";
import type { Queries, Store } from "../store/store.ts";
import { NOT_DRAINING } from "./draining.ts";

/** A start of a node was told to stop where it runs. What an administrator wants of the node stands above that. */
export async function noteLeaving(
  { db, now }: Store,
  { nodeId, incarnation, deadline }: { nodeId: string; incarnation: string; deadline: number },
): Promise<void> {
  await db
    .updateTable("nodes")
    .set({
      draining_at: now,
      drain_outcome: "leave",
      drain_deadline: deadline,
      drain_incarnation: incarnation,
    })
    .where("id", "=", nodeId)
    .where("incarnation", "=", incarnation)
    .where("draining_at", "is", null)
    .execute();
}

/**
 * A start of a node has registered, in this transaction. Where the one before was to leave, that is done: the node takes
 * sessions again. What else is wanted of the node is wanted of each start, and told to it.
 */
export async function noteStart(
  db: Queries,
  { nodeId, incarnation }: { readonly nodeId: string; readonly incarnation: string },
): Promise<void> {
  await db
    .updateTable("nodes")
    .set(NOT_DRAINING)
    .where("id", "=", nodeId)
    .where("drain_outcome", "in", ["restart", "leave"])
    .where((where) =>
      where.or([where("drain_incarnation", "is", null), where("drain_incarnation", "<>", incarnation)]),
    )
    .execute();
  await db
    .updateTable("nodes")
    .set({ drain_seen: sql`case when draining_at is null then drain_revision else -1 end` })
    .where("id", "=", nodeId)
    .execute();
}

/** A start has said goodbye, in this transaction: what it was about to do is done. */
export async function noteGone(db: Queries, nodeId: string): Promise<void> {
  await db
    .updateTable("nodes")
    .set(NOT_DRAINING)
    .where("id", "=", nodeId)
    .where("incarnation", "is", null)
    .where("drain_outcome", "=", "leave")
    .execute();
}
