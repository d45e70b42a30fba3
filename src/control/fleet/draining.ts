import type { ExpressionBuilder } from "kysely";
import type { AuditAction } from "#wire/audit.ts";
import type { ErrorCode } from "#wire/errors.ts";
import type { Actor, Audit } from "../audit/audit.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { DrainOutcome } from "../services.ts";
import type { CloseSessions, SessionConditions } from "../sessions/closing.ts";
import { isLive } from "../sessions/conditions.ts";
import type { Schema } from "../store/schema.ts";
import type { Queries, Store } from "../store/store.ts";

/** How the audit log calls it. */
export const DRAIN_ACTIONS = {
  stay: "node.drain",
  restart: "node.restart",
  stop: "node.stop",
  destroy: "node.destroy",
} as const satisfies Readonly<Record<DrainOutcome, AuditAction>>;

/** What viewers are told whose consoles end for it. `leave` is a node that stops by itself. */
export const DRAIN_CODES = {
  stay: "node_draining",
  restart: "node_restarting",
  stop: "node_stopping",
  destroy: "node_draining",
  leave: "node_stopping",
} as const satisfies Readonly<Record<DrainOutcome | "leave", ErrorCode>>;

interface DrainRequest {
  readonly nodeId: string;
  readonly outcome: DrainOutcome;
  /** When sessions that are left are ended, milliseconds since 1970; null: they are waited for. */
  readonly deadline: number | null;
  /** Whether viewers are told ahead. */
  readonly warn?: boolean;
  readonly by: Actor;
}

/** Takes nodes out of service, and back. Both run in a transaction, and say whether there is such a node. */
export interface Draining {
  /** From the commit on no session is given to it, but those of machines that bear one connection, which it has. */
  drain(db: Queries, request: DrainRequest): Promise<boolean>;
  /** Takes back what has not happened yet. */
  undrain(db: Queries, request: Pick<DrainRequest, "nodeId" | "by">): Promise<boolean>;
}

/**
 * What is to become of a node is the state that it is in, not a message: its row says it, the replica that holds its
 * channel tells it (link/errands/draining.ts), and the replica that leads ends what is left at the deadline
 * (drain-sweep.ts). So nothing is lost with a replica, and nothing is done twice.
 */
export function createDraining({
  store,
  cluster,
  audit,
  closeSessions,
}: {
  readonly store: Store;
  readonly cluster: Cluster;
  readonly audit: Audit;
  readonly closeSessions: CloseSessions;
}): Draining {
  return {
    async drain(db, { nodeId, outcome, deadline, warn = false, by }) {
      await store.lock(db, `node ${nodeId}`);
      const { numUpdatedRows } = await db
        .updateTable("nodes")
        .set((node) => ({
          draining_at: node.fn.coalesce("draining_at", store.now),
          drain_outcome: outcome,
          drain_deadline: deadline,
          drain_warns: warn ? 1 : 0,
          drain_incarnation: node.ref("incarnation"),
          drain_revision: node("drain_revision", "+", 1),
        }))
        .where("id", "=", nodeId)
        .where("revoked_at", "is", null)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) return false;
      const detail =
        deadline === null ? "waits for its sessions" : `until ${new Date(deadline).toISOString()}`;
      await audit.record(db, {
        action: DRAIN_ACTIONS[outcome],
        by,
        object: { kind: "node", id: nodeId },
        detail,
      });
      // Those whose time is over already, so that they do not wait for the sweep.
      const isDue = await db
        .selectFrom("nodes")
        .select("id")
        .where("id", "=", nodeId)
        .where("drain_deadline", "<=", store.now)
        .execute();
      if (isDue.length > 0) await endSessionsLeft(db, { nodeId, outcome, closeSessions });
      await cluster.publish(db, "node", nodeId);
      return true;
    },

    async undrain(db, { nodeId, by }) {
      await store.lock(db, `node ${nodeId}`);
      const { numUpdatedRows } = await db
        .updateTable("nodes")
        .set((node) => ({ ...NOT_DRAINING, drain_revision: node("drain_revision", "+", 1) }))
        .where("id", "=", nodeId)
        .where("revoked_at", "is", null)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) return false;
      await audit.record(db, { action: "node.start", by, object: { kind: "node", id: nodeId } });
      await cluster.publish(db, "node", nodeId);
      return true;
    },
  };
}

const limits = {
  /** From the statement that has a node drain to its transaction's commit: little is left to be done then. */
  settleMs: 5_000,
} as const;

/** Who began a transaction so long after a node was made to drain knows of it. */
export function settleMs({ transactionsAtOnce }: Pick<Store, "transactionsAtOnce">): number {
  return transactionsAtOnce > 1 ? limits.settleMs : 0;
}

/**
 * Condition on nodes that drain: nobody is left who might give it a session, having begun before he could know.
 *
 * INVARIANT: what a node carries is looked at in a statement behind the one that asks this. In the same, what somebody did
 * who was done in between would be missed.
 */
export function isSettled(store: Store) {
  return (node: ExpressionBuilder<Schema, "nodes">) =>
    node.and([
      node("nodes.draining_at", "<=", node(store.now, "-", settleMs(store))),
      store.allBegunSince(node("nodes.draining_at", "+", settleMs(store))),
    ]);
}

/** Whether the node drains, and what the next statement finds on it is all that there will be. */
export async function hasSettled(db: Queries, store: Store, nodeId: string): Promise<boolean> {
  const settled = await db
    .selectFrom("nodes")
    .select("nodes.id")
    .where("nodes.id", "=", nodeId)
    .where(isSettled(store))
    .execute();
  return settled.length > 0;
}

/** What a node has in its row that takes sessions. */
export const NOT_DRAINING = {
  draining_at: null,
  drain_outcome: null,
  drain_deadline: null,
  drain_warns: 0,
  drain_incarnation: null,
} as const;

/** Ends what is open on a node, or was to be: viewers are told why. */
export async function endSessionsLeft(
  db: Queries,
  {
    nodeId,
    outcome,
    closeSessions,
  }: { readonly nodeId: string; readonly outcome: DrainOutcome; readonly closeSessions: CloseSessions },
): Promise<void> {
  const onNode = (session: SessionConditions) =>
    session.and([session("sessions.node_id", "=", nodeId), isLive]);
  await closeSessions(db, onNode, { code: DRAIN_CODES[outcome] });
}
