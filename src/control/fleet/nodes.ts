import { X509Certificate } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import { fingerprint } from "#tls/node-identity.ts";
import { joinTokenDefaults, type Node } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Audit } from "../audit/audit.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { requireAdministrator } from "../rights.ts";
import type { Nodes } from "../services.ts";
import { endSessionsOfNode } from "../sessions/endings.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Store } from "../store/store.ts";
import { addressOf } from "./ip-range.ts";
import { writeJoinToken } from "./join-tokens.ts";
import type { NodeOrders } from "./node-orders.ts";
import { nodeRows, toNode } from "./node-view.ts";
import { silenceMs } from "./up.ts";

/** The fleet as administrators see it. */
export function createNodes({
  store,
  cluster,
  audit,
  clock,
  log,
  values,
  authority,
  orders,
}: {
  readonly orders: NodeOrders;
  readonly store: Store;
  readonly cluster: Cluster;
  readonly log: Log;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly values: SettingValues;
  /** The installation's CA, PEM. */
  readonly authority: string;
}): Nodes {
  const find = async (id: string): Promise<Node> => {
    const row = await nodeRows(store.db).where("id", "=", id).executeTakeFirst();
    if (row === undefined) throw new GatewayError("not_found", { detail: "node" });
    return toNode(row, clock.now() - silenceMs(values));
  };

  return {
    async list(caller) {
      requireAdministrator(caller);
      const rows = await nodeRows(store.db).orderBy("created_at").orderBy("id").execute();
      const downBefore = clock.now() - silenceMs(values);
      return rows.map((row) => toNode(row, downBefore));
    },

    async get(caller, id) {
      requireAdministrator(caller);
      return await find(id);
    },

    drain: async (caller, id, options) => await orders.drain(caller, id, options),

    start: async (caller, id) => await orders.start(caller, id),

    async revoke(caller, id) {
      requireAdministrator(caller);
      const ended = await store.db.transaction().execute(async (db) => {
        await store.lock(db, `node ${id}`);
        const { numUpdatedRows } = await db
          .updateTable("nodes")
          .set({ revoked_at: store.now, next_fingerprint: null, incarnation: null, sessions: 0 })
          .where("id", "=", id)
          .where("revoked_at", "is", null)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) return undefined;
        const ending = { kind: "failed", code: "node_revoked" } as const;
        const sessions = await endSessionsOfNode(db, { store, audit, nodeId: id, ending });
        await audit.record(db, { action: "node.revoke", by: caller, object: { kind: "node", id } });
        // Whichever replica holds its channel closes it.
        await cluster.publish(db, "node", id);
        return sessions;
      });
      const node = await find(id);
      if (ended !== undefined)
        log.warn({ nodeId: id, endedSessions: ended, account: caller.name }, "Node revoked");
      return node;
    },

    async remove(caller, id) {
      requireAdministrator(caller);
      const node = await find(id);
      if (node.agentState === "up")
        throw new GatewayError("conflict", { detail: "the node is up: stop it first, or revoke it" });
      await store.db.transaction().execute(async (db) => {
        const gone = await db
          .deleteFrom("nodes")
          .where("id", "=", id)
          .where((where) =>
            where.or([
              where("incarnation", "is", null),
              where("seen_at", "<=", where(store.now, "-", silenceMs(values))),
            ]),
          )
          // With the row goes the address: another node may have it from here on.
          .returning("given_key")
          .executeTakeFirst();
        if (gone === undefined) throw new GatewayError("conflict", { detail: "the node has just come back" });
        const ending = { kind: "failed", code: "node_lost" } as const;
        await endSessionsOfNode(db, { store, audit, nodeId: id, ending });
        const detail = gone.given_key === null ? undefined : `gives back ${addressOf(gone.given_key)}`;
        await audit.record(db, { action: "node.remove", by: caller, object: { kind: "node", id }, detail });
        await cluster.publish(db, "node", id);
      });
      log.info({ nodeId: id, account: caller.name }, "Node removed");
    },

    async addJoinToken(caller, token) {
      requireAdministrator(caller);
      const authorityFingerprint = fingerprint(authority);
      return await store.db.transaction().execute(async (db) => {
        const made = await writeJoinToken(db, token, { clock, authorityFingerprint });
        const detail = `uses ${token.uses ?? joinTokenDefaults.uses}, until ${made.expiresAt}`;
        await audit.record(db, {
          action: "join-token.add",
          by: caller,
          object: { kind: "join-token" },
          detail,
        });
        return made;
      });
    },

    async authority(caller) {
      requireAdministrator(caller);
      return {
        certificate: authority,
        fingerprint: fingerprint(authority),
        notAfter: new X509Certificate(authority).validToDate.toISOString(),
      };
    },
  };
}
