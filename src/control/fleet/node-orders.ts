import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import type { Node } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { requireAdministrator } from "../rights.ts";
import type { Caller, DrainOptions, DrainOutcome } from "../services.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Queries, Store } from "../store/store.ts";
import type { Draining } from "./draining.ts";
import { nodeRows, toNode } from "./node-view.ts";
import { silenceMs } from "./up.ts";

/** What is written down together with an order, in its transaction. */
type Note = (db: Queries) => Promise<void>;

/**
 * What administrators order of nodes. Resolves to the node as it is with the order. Throws `not_found`, or `conflict` where
 * that cannot be done with the node.
 */
export interface NodeOrders {
  drain(caller: Caller, id: string, options: DrainOptions, note?: Note): Promise<Node>;
  start(caller: Caller, id: string, note?: Note): Promise<Node>;
}

export function createNodeOrders({
  store,
  draining,
  clock,
  values,
  log,
}: {
  readonly store: Store;
  readonly draining: Draining;
  readonly clock: Clock;
  readonly values: SettingValues;
  readonly log: Log;
}): NodeOrders {
  const find = async (db: Queries, id: string): Promise<Node> => {
    const row = await nodeRows(db).where("id", "=", id).executeTakeFirst();
    if (row === undefined) throw new GatewayError("not_found", { detail: "node" });
    return toNode(row, clock.now() - silenceMs(values));
  };

  /** Under the node's lock, so that it is when it is done what it was when it was judged. */
  const order = async (id: string, { judge, act, note }: Order): Promise<Node> =>
    await store.db.transaction().execute(async (db) => {
      await store.lock(db, `node ${id}`);
      judge(await find(db, id));
      if (!(await act(db))) {
        // It was revoked or forgotten by one who takes no lock.
        judge(await find(db, id));
        throw revoked();
      }
      await note?.(db);
      return await find(db, id);
    });

  return {
    async drain(caller, id, { outcome, deadlineMs, warn = false }, note) {
      requireAdministrator(caller);
      const deadline = deadlineMs === undefined ? null : clock.now() + deadlineMs;
      const request = { nodeId: id, outcome, deadline, warn, by: caller };
      const node = await order(id, {
        judge: (found) => requireDrainable(found, outcome),
        act: async (db) => await draining.drain(db, request),
        note,
      });
      log.info({ nodeId: id, outcome, deadlineMs, account: caller.name }, "Node drains");
      return node;
    },

    async start(caller, id, note) {
      requireAdministrator(caller);
      const node = await order(id, {
        judge: requireStartable,
        act: async (db) => {
          await requireKept(db, id);
          return await draining.undrain(db, { nodeId: id, by: caller });
        },
        note,
      });
      log.info({ nodeId: id, account: caller.name }, "Node takes sessions");
      return node;
    },
  };
}

interface Order {
  /** Throws where the node is not one that this can be done with. */
  readonly judge: (node: Node) => void;
  readonly act: (db: Queries) => Promise<boolean>;
  readonly note: Note | undefined;
}

function revoked(): GatewayError {
  return new GatewayError("conflict", { detail: "the node was revoked" });
}

function requireDrainable({ state, agentState }: Node, outcome: DrainOutcome): void {
  if (state === "revoked") throw revoked();
  if (outcome === "restart" && agentState !== "up")
    throw new GatewayError("conflict", { detail: "the node is not up, so nothing could be told to restart" });
}

/** What control has launched, and has begun to take away, does not come back. */
async function requireKept(db: Queries, nodeId: string): Promise<void> {
  const going = await db
    .selectFrom("launches")
    .select("id")
    .where("node_id", "=", nodeId)
    .where("state", "=", "removing")
    .execute();
  if (going.length > 0)
    throw new GatewayError("conflict", { detail: "control is taking away what it had launched" });
}

function requireStartable({ state, agentState, draining }: Node): void {
  if (state === "revoked") throw revoked();
  if (draining?.outcome === "leave" || (draining === undefined && agentState === "disconnected"))
    throw new GatewayError("conflict", { detail: "its process was stopped: start it where it runs" });
}
