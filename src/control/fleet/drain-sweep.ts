import type { ExpressionBuilder } from "kysely";
import type { Log } from "#base/process/log.ts";
import type { Audit } from "../audit/audit.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { DrainOutcome } from "../services.ts";
import type { CloseSessions } from "../sessions/closing.ts";
import { isLive } from "../sessions/conditions.ts";
import { endSessionsOfNode } from "../sessions/endings.ts";
import { statesBefore } from "../sessions/states.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Schema } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import { carries } from "./carrying.ts";
import { endSessionsLeft, isSettled } from "./draining.ts";
import { silenceMs } from "./up.ts";

const limits = {
  /** Nodes that one sweep does something about. */
  sweptNodes: 100,
} as const;

interface Parts {
  readonly store: Store;
  readonly cluster: Cluster;
  readonly audit: Audit;
  readonly values: SettingValues;
  readonly closeSessions: CloseSessions;
  readonly log: Log;
}

/**
 * Brings on what time and endings bring about with nodes that drain: ends at the deadline what is left, has those that are
 * empty told to leave, and forgets those that were destroyed and have gone. Runs on the replica that leads; each step is
 * the condition of its own statement, said under the node's lock, so that one done twice does nothing.
 */
export function createDrainSweep(parts: Parts): () => Promise<void> {
  return async () => {
    await endOverdue(parts);
    await sendAway(parts);
    await forgetDestroyed(parts);
  };
}

async function endOverdue(parts: Parts): Promise<void> {
  const overdue = await parts.store.db
    .selectFrom("nodes")
    .select("nodes.id")
    .where(isOverdue(parts.store))
    .where((node) =>
      node.exists(
        node
          .selectFrom("sessions")
          .select("sessions.id")
          .whereRef("sessions.node_id", "=", "nodes.id")
          .where(isLive)
          .where("sessions.state", "in", statesBefore("closing")),
      ),
    )
    .orderBy("nodes.drain_deadline")
    .limit(limits.sweptNodes)
    .execute();
  await forEach(overdue, parts, endLeft);
}

async function endLeft({ store, closeSessions, log }: Parts, nodeId: string): Promise<void> {
  const outcome = await store.db.transaction().execute(async (db) => {
    await store.lock(db, `node ${nodeId}`);
    // It may have been taken back meanwhile, or given more time.
    const node = await db
      .selectFrom("nodes")
      .select("nodes.drain_outcome")
      .where("nodes.id", "=", nodeId)
      .where(isOverdue(store))
      .executeTakeFirst();
    if (node === undefined) return undefined;
    const outcome = node.drain_outcome as DrainOutcome;
    await endSessionsLeft(db, { nodeId, outcome, closeSessions });
    return outcome;
  });
  if (outcome !== undefined) log.info({ nodeId, outcome }, "What was left on a node that drains is ended");
}

/** A node that leaves by itself ends its sessions by itself. */
function isOverdue({ now }: Store) {
  return (node: ExpressionBuilder<Schema, "nodes">) =>
    node.and([
      node("nodes.draining_at", "is not", null),
      node("nodes.drain_deadline", "<=", now),
      node("nodes.drain_outcome", "<>", "leave"),
    ]);
}

/** The replicas that hold their channels look by themselves what these are to do. */
async function sendAway({ store, cluster }: Parts): Promise<void> {
  const empty = await store.db
    .selectFrom("nodes")
    .select("nodes.id")
    .where("nodes.drain_outcome", "in", ["restart", "destroy"])
    .where(isSettled(store))
    .where("nodes.incarnation", "is not", null)
    .where((node) => node.not(carries(node)))
    .limit(limits.sweptNodes)
    .execute();
  for (const { id } of empty) await cluster.publish(store.db, "node", id);
}

async function forgetDestroyed(parts: Parts): Promise<void> {
  const gone = await parts.store.db
    .selectFrom("nodes")
    .select("nodes.id")
    .where(isGone(parts))
    .orderBy("nodes.draining_at")
    .limit(limits.sweptNodes)
    .execute();
  await forEach(gone, parts, forget);
}

async function forget(parts: Parts, nodeId: string): Promise<void> {
  const { store, cluster, audit, log } = parts;
  const isForgotten = await store.db.transaction().execute(async (db) => {
    await store.lock(db, `node ${nodeId}`);
    const { numDeletedRows } = await db
      .deleteFrom("nodes")
      .where("nodes.id", "=", nodeId)
      .where(isGone(parts))
      .executeTakeFirst();
    if (numDeletedRows === 0n) return false;
    const ending = { kind: "failed", code: "node_lost" } as const;
    await endSessionsOfNode(db, { store, audit, nodeId, ending });
    const object = { kind: "node", id: nodeId } as const;
    await audit.record(db, { action: "node.remove", by: {}, object, detail: "destroyed" });
    await cluster.publish(db, "node", nodeId);
    return true;
  });
  if (isForgotten) log.info({ nodeId }, "A node that was destroyed is forgotten");
}

/** One that has said that it goes, or is not heard of any more, once nothing is open on it or its time is over. */
function isGone({ store: { now }, values }: Parts) {
  return (node: ExpressionBuilder<Schema, "nodes">) =>
    node.and([
      node("nodes.draining_at", "is not", null),
      node("nodes.drain_outcome", "=", "destroy"),
      // A node that is forgotten may join anew, which is not for one that was revoked.
      node("nodes.revoked_at", "is", null),
      node.or([
        node("nodes.incarnation", "is", null),
        node.and([
          node("nodes.seen_at", "<=", node(now, "-", silenceMs(values))),
          node.or([node("nodes.drain_deadline", "<=", now), node.not(carries(node))]),
        ]),
      ]),
    ]);
}

/** One that fails keeps nothing from the others; it is tried again by the next sweep. */
async function forEach(
  nodes: readonly { readonly id: string }[],
  parts: Parts,
  step: (parts: Parts, nodeId: string) => Promise<void>,
): Promise<void> {
  for (const { id: nodeId } of nodes) {
    try {
      await step(parts, nodeId);
    } catch (error) {
      parts.log.warn({ error, nodeId }, "A node that drains could not be brought on");
    }
  }
}
