import { randomUUID } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import type { Node } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { requireAdministrator } from "../rights.ts";
import type { Caller, NodeJob, NodeJobCommand, NodeJobs } from "../services.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Queries, Store } from "../store/store.ts";
import type { NodeOrders } from "./node-orders.ts";
import { nodeRows, toNode } from "./node-view.ts";
import { silenceMs } from "./up.ts";

const limits = {
  /** How long it can be asked how a job went: a day, as in CloudStack. */
  keptMs: 24 * 60 * 60 * 1000,
  /** Of one sweep's statement. */
  sweptJobs: 500,
} as const;

/** What becomes of the node, behind each command. `start` takes it back. */
const OUTCOMES = { reboot: "restart", stop: "stop", destroy: "destroy" } as const;

/**
 * Jobs that the CloudStack API speaks of. A job does nothing by itself: it remembers what was asked of a node, and how it
 * went is read off the node's row, so every replica can be asked, and nothing is lost with one.
 */
export function createNodeJobs({
  store,
  orders,
  clock,
  values,
}: {
  readonly store: Store;
  readonly orders: NodeOrders;
  readonly clock: Clock;
  readonly values: SettingValues;
}): NodeJobs {
  const get: NodeJobs["get"] = async (caller, id) => {
    requireAdministrator(caller);
    const row = await store.db.selectFrom("node_jobs").selectAll().where("id", "=", id).executeTakeFirst();
    if (row === undefined) throw new GatewayError("not_found", { detail: "job" });
    const { command, created_at, account_id: accountId, node_id: nodeId } = row;
    const found = await nodeRows(store.db).where("id", "=", nodeId).executeTakeFirst();
    const job = { id, command, createdAt: new Date(created_at), accountId, nodeId };
    if (found === undefined) return { ...job, state: command === "destroy" ? "done" : "failed" };
    const node = toNode(found, clock.now() - silenceMs(values));
    const isLatest = found.drain_revision === row.drain_revision;
    return { ...job, state: isLatest ? progress(command, node) : "failed", node };
  };

  /** With what was asked, and so with the number of that, or not at all. */
  const remember = (
    db: Queries,
    { caller, ...job }: { id: string; command: NodeJobCommand; nodeId: string; caller: Caller },
  ) =>
    db
      .insertInto("node_jobs")
      .columns(["id", "account_id", "command", "node_id", "drain_revision", "created_at"])
      .expression((query) =>
        query
          .selectFrom("nodes")
          .select((node) => [
            node.val(job.id).as("id"),
            node.val(caller.accountId).as("account_id"),
            node.val(job.command).as("command"),
            "nodes.id as node_id",
            "nodes.drain_revision",
            store.now.as("created_at"),
          ])
          .where("nodes.id", "=", job.nodeId),
      )
      .execute();

  return {
    async start(caller, { command, nodeId, forced }) {
      const id = randomUUID();
      const note = async (db: Queries) => void (await remember(db, { id, command, nodeId, caller }));
      const how = forced ? { deadlineMs: 0 } : { warn: true };
      if (command === "start") await orders.start(caller, nodeId, note);
      else await orders.drain(caller, nodeId, { outcome: OUTCOMES[command], ...how }, note);
      return await get(caller, id);
    },

    get,
  };
}

/** Forgets the oldest. */
export async function sweepNodeJobs({ db, now }: Store): Promise<void> {
  await db
    .deleteFrom("node_jobs")
    .where("id", "in", (old) =>
      old
        .selectFrom("node_jobs")
        .select("id")
        .where("created_at", "<=", (where) => where(now, "-", limits.keptMs))
        .limit(limits.sweptJobs),
    )
    .execute();
}

/** Of the latest that was asked of a node that is there. */
function progress(command: NodeJobCommand, { state, agentState, draining }: Node): NodeJob["state"] {
  // Nobody can ask anything of it any more, and it takes no sessions. It is kept, as what is forgotten may join anew.
  if (state === "revoked") return command === "destroy" ? "done" : "failed";
  switch (command) {
    case "reboot":
      return draining === undefined && agentState === "up" ? "done" : "running";
    case "stop":
      return state === "stopped" ? "done" : "running";
    case "start":
      return state === "running" && agentState === "up" ? "done" : "running";
    case "destroy":
      return "running";
    default:
      return command satisfies never;
  }
}
