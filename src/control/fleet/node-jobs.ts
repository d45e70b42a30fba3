import { randomUUID } from "node:crypto";
import type { Node } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { requireAdministrator } from "../rights.ts";
import type { NodeJob, NodeJobCommand, NodeJobs, Nodes } from "../services.ts";
import type { Store } from "../store/store.ts";

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
export function createNodeJobs({ store, nodes }: { readonly store: Store; readonly nodes: Nodes }): NodeJobs {
  const get: NodeJobs["get"] = async (caller, id) => {
    requireAdministrator(caller);
    const row = await store.db.selectFrom("node_jobs").selectAll().where("id", "=", id).executeTakeFirst();
    if (row === undefined) throw new GatewayError("not_found", { detail: "job" });
    const [revision] = await store.db
      .selectFrom("nodes")
      .select("drain_revision")
      .where("id", "=", row.node_id)
      .execute();
    const node = revision === undefined ? undefined : await nodes.get(caller, row.node_id).catch(ifGone);
    const isLatest = revision?.drain_revision === row.drain_revision;
    return {
      id,
      command: row.command,
      createdAt: new Date(row.created_at),
      accountId: row.account_id,
      nodeId: row.node_id,
      state: node === undefined ? gone(row.command) : isLatest ? progress(row.command, node) : "failed",
      ...(node === undefined ? {} : { node }),
    };
  };

  return {
    async start(caller, { command, nodeId, forced }) {
      if (command === "start") await nodes.start(caller, nodeId);
      else
        await nodes.drain(caller, nodeId, {
          outcome: OUTCOMES[command],
          ...(forced ? { deadlineMs: 0 } : { warn: true }),
        });
      const id = randomUUID();
      await store.db
        .insertInto("node_jobs")
        .columns(["id", "account_id", "command", "node_id", "drain_revision", "created_at"])
        .expression((db) =>
          db
            .selectFrom("nodes")
            .select((node) => [
              node.val(id).as("id"),
              node.val(caller.accountId).as("account_id"),
              node.val(command).as("command"),
              "nodes.id as node_id",
              "nodes.drain_revision",
              store.now.as("created_at"),
            ])
            .where("nodes.id", "=", nodeId),
        )
        .execute();
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

function ifGone(error: unknown): undefined {
  if (error instanceof GatewayError && error.code === "not_found") return undefined;
  throw error;
}

function gone(command: NodeJobCommand): NodeJob["state"] {
  return command === "destroy" ? "done" : "failed";
}

/** Of the latest that was asked of a node that is there. */
function progress(command: NodeJobCommand, { state, agentState, draining }: Node): NodeJob["state"] {
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
