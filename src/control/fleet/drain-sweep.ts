import type { Log } from "#base/process/log.ts";
import type { Audit } from "../audit/audit.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { DrainOutcome } from "../services.ts";
import type { CloseSessions } from "../sessions/closing.ts";
import { isLive } from "../sessions/conditions.ts";
import { endSessionsOfNode } from "../sessions/endings.ts";
import { statesBefore } from "../sessions/states.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Store } from "../store/store.ts";
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
 * the condition of its own statement, so that one done twice does nothing.
 */
export function createDrainSweep(parts: Parts): () => Promise<void> {
  return async () => {
    await endOverdue(parts);
    await sendAway(parts);
    await forgetDestroyed(parts);
  };
}

/** A node that leaves by itself ends its sessions by itself. */
async function endOverdue({ store, closeSessions, log }: Parts): Promise<void> {
  const overdue = await store.db
    .selectFrom("nodes")
    .select(["id", "drain_outcome"])
    .where("draining_at", "is not", null)
    .where("drain_deadline", "<=", store.now)
    .where("drain_outcome", "<>", "leave")
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
    .limit(limits.sweptNodes)
    .execute();
  for (const { id: nodeId, drain_outcome } of overdue) {
    const outcome = drain_outcome as DrainOutcome;
    await store.db
      .transaction()
      .execute(async (db) => await endSessionsLeft(db, { nodeId, outcome, closeSessions }));
    log.info({ nodeId, outcome }, "What was left on a node that drains is ended");
  }
}

/** The replicas that hold their channels look by themselves what these are to do. */
async function sendAway({ store, cluster }: Parts): Promise<void> {
  const empty = await store.db
    .selectFrom("nodes")
    .select("id")
    .where("draining_at", "is not", null)
    .where("drain_outcome", "in", ["restart", "destroy"])
    .where(isSettled(store))
    .where("incarnation", "is not", null)
    .where((node) =>
      node.not(
        node.exists(
          node
            .selectFrom("sessions")
            .select("sessions.id")
            .whereRef("sessions.node_id", "=", "nodes.id")
            .where(isLive),
        ),
      ),
    )
    .limit(limits.sweptNodes)
    .execute();
  for (const { id } of empty) await cluster.publish(store.db, "node", id);
}

/** One that has said that it goes, or is not heard of any more, once nothing is open on it or its time is over. */
async function forgetDestroyed({ store, cluster, audit, values, log }: Parts): Promise<void> {
  const isGone = await store.db
    .selectFrom("nodes")
    .select("id")
    .where("draining_at", "is not", null)
    .where("drain_outcome", "=", "destroy")
    .where((node) =>
      node.or([
        node("incarnation", "is", null),
        node.and([
          node("seen_at", "<=", node(store.now, "-", silenceMs(values))),
          node.or([
            node("drain_deadline", "<=", store.now),
            node.not(
              node.exists(
                node
                  .selectFrom("sessions")
                  .select("sessions.id")
                  .whereRef("sessions.node_id", "=", "nodes.id")
                  .where(isLive),
              ),
            ),
          ]),
        ]),
      ]),
    )
    .limit(limits.sweptNodes)
    .execute();
  for (const { id } of isGone) {
    const forgotten = await store.db.transaction().execute(async (db) => {
      const { numDeletedRows } = await db
        .deleteFrom("nodes")
        .where("id", "=", id)
        .where("drain_outcome", "=", "destroy")
        .where((node) =>
          node.or([
            node("incarnation", "is", null),
            node("seen_at", "<=", node(store.now, "-", silenceMs(values))),
          ]),
        )
        .executeTakeFirst();
      if (numDeletedRows === 0n) return false;
      await endSessionsOfNode(db, {
        store,
        audit,
        nodeId: id,
        ending: { kind: "failed", code: "node_lost" },
      });
      await audit.record(db, {
        action: "node.remove",
        by: {},
        object: { kind: "node", id },
        detail: "destroyed",
      });
      await cluster.publish(db, "node", id);
      return true;
    });
    if (forgotten) log.info({ nodeId: id }, "A node that was destroyed is forgotten");
  }
}
