import type { Clock } from "#base/clock.ts";
import { formatHostPort, hostPort } from "#base/config.ts";
import type { Log } from "#base/process/log.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type {
  DeregisterRequest,
  HeartbeatRequest,
  HeartbeatResponse,
  RegisterRequest,
  RegisterResponse,
} from "#wire/link.ts";
import type { Audit } from "../audit/audit.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { isLive } from "../sessions/conditions.ts";
import { endSessionsOfNode } from "../sessions/endings.ts";
import { findSessions } from "../sessions/found.ts";
import type { SettingValues } from "../settings/settings.ts";
import { prepare, TEXT } from "../store/prepared.ts";
import type { Queries, Store } from "../store/store.ts";
import type { NodeKeys } from "../tickets/node-keys.ts";
import { heardOf } from "./heard.ts";
import { noteGone, noteLeaving, noteStart } from "./leaving.ts";
import type { NodeSettingsFor } from "./node-settings.ts";
import { createPlaces, parse } from "./place.ts";
import { silenceMs } from "./up.ts";

interface Parts {
  readonly store: Store;
  readonly cluster: Cluster;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly log: Log;
  readonly nodeKeys: NodeKeys;
  readonly settingsFor: NodeSettingsFor;
  readonly values: SettingValues;
}

/** What nodes say of themselves over the link. Whoever calls has made sure that it is this node. */
export interface Registry {
  register(nodeId: string, request: RegisterRequest): Promise<RegisterResponse>;
  heartbeat(nodeId: string, request: HeartbeatRequest): Promise<HeartbeatResponse>;
  deregister(nodeId: string, request: DeregisterRequest): Promise<void>;
}

/**
 * A node has one start at a time. A new one ends what an older one carried; the older one, should it still run, is
 * told `node_superseded` from then on and does not come back.
 */
export function createRegistry({
  store,
  cluster,
  audit,
  clock,
  log,
  nodeKeys,
  settingsFor,
  values,
}: Parts): Registry {
  const findPlace = createPlaces(store, values);
  const markAttached = prepareReattach(store);
  /** What a start of a node carried when it fell silent it carries still, or has its ending to report. */
  const reattach = async (db: Queries, start: { nodeId: string; incarnation: string }) =>
    (await markAttached(db, start)).length;

  return {
    async register(nodeId, request) {
      const { incarnation, version } = request;
      const now = clock.now();
      const keys = await nodeKeys.of(nodeId, incarnation);
      const columns = {
        incarnation,
        version,
        forward_address: parseForwardAddress(request.forwardAddress),
        public_path: request.publicPath ?? null,
        maximum_sessions: request.maximumSessions ?? null,
        ...heardOf(store, silenceMs(values)),
        // A node that does not say which keys it holds takes what this is answered with.
        ticket_generation: request.ticketGeneration ?? keys.newest.generation,
      };
      const lost = await store.db.transaction().execute(async (db) => {
        // One start after the other: the older one is not to come back between what the newer one does.
        await store.lock(db, `node ${nodeId}`);
        const { given, ...place } = await findPlace(db, nodeId, request);
        await enter(db, { nodeId, incarnation, now });
        const { numUpdatedRows } = await db
          .updateTable("nodes")
          .set({ ...columns, ...place })
          .where("id", "=", nodeId)
          .where("revoked_at", "is", null)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) throw new GatewayError("node_refused");
        const ending = { kind: "failed", code: "node_lost" } as const;
        await reattach(db, { nodeId, incarnation });
        await noteStart(db, { nodeId, incarnation });
        // Its name is asked for as soon as it has a console.
        await cluster.publish(db, "names", nodeId);
        await audit.record(db, nodeEntry("node.register", nodeId, said(version, given)));
        return await endSessionsOfNode(db, { store, audit, nodeId, except: incarnation, ending });
      });
      log.info({ nodeId, version, lostSessions: lost }, "Node registered");
      const { kid, key } = keys.newest;
      return {
        nodeId,
        ticketKey: { kid, key },
        ticketKeys: keys.all,
        now: clock.now(),
        settings: await settingsFor(nodeId),
      };
    },

    async heartbeat(nodeId, { incarnation, sessions, ticketGeneration, leaving }) {
      const { numUpdatedRows } = await store.db
        .updateTable("nodes")
        .set({
          ...heardOf(store, silenceMs(values)),
          sessions,
          ...(ticketGeneration === undefined ? {} : { ticket_generation: ticketGeneration }),
        })
        .where("id", "=", nodeId)
        .where("incarnation", "=", incarnation)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw new GatewayError("node_superseded");
      if (leaving !== undefined)
        await noteLeaving(store, { nodeId, incarnation, deadline: leaving.deadline });
      const reattached = await reattach(store.db, { nodeId, incarnation });
      if (reattached > 0) log.info({ nodeId, sessions: reattached }, "A node is heard of again");
      const { all: ticketKeys } = await nodeKeys.of(nodeId, incarnation);
      return { now: clock.now(), settings: await settingsFor(nodeId), ticketKeys };
    },

    async deregister(nodeId, { incarnation }) {
      const ended = await store.db.transaction().execute(async (db) => {
        await store.lock(db, `node ${nodeId}`);
        const { numUpdatedRows } = await db
          .updateTable("nodes")
          .set({ incarnation: null, sessions: 0 })
          .where("id", "=", nodeId)
          .where("incarnation", "=", incarnation)
          .executeTakeFirst();
        await noteGone(db, nodeId);
        // Said twice, or by a start that was superseded: there is nothing left to do.
        if (numUpdatedRows === 0n) return undefined;
        const ending = { kind: "failed", code: "node_stopping" } as const;
        await audit.record(db, nodeEntry("node.deregister", nodeId));
        return await endSessionsOfNode(db, { store, audit, nodeId, ending });
      });
      if (ended !== undefined) log.info({ nodeId, endedSessions: ended }, "Node deregistered");
    },
  };
}

function prepareReattach(store: Store) {
  return prepare(store, { nodeId: TEXT, incarnation: TEXT }, (db, slots) =>
    findSessions(
      db,
      store,
      db
        .selectFrom("sessions")
        .select("sessions.id")
        // Of these two, so that the index of what lives is used: nearly always there are none.
        .where(isLive)
        .where("sessions.state", "=", "detached")
        .where("sessions.node_id", "=", slots.nodeId)
        .where("sessions.incarnation", "=", slots.incarnation),
    )
      .updateTable("sessions")
      .set({ state: "active" })
      .where("sessions.id", "in", (found) => found.selectFrom("found").select("found.id"))
      .returning("sessions.id"),
  );
}

/** Notes a start of a node. One that registers again is the present one, or was superseded. */
async function enter(
  db: Queries,
  { nodeId, incarnation, now }: { nodeId: string; incarnation: string; now: number },
): Promise<void> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto("incarnations")
    .values({ node_id: nodeId, incarnation, registered_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows !== 0n) return;
  const node = await db.selectFrom("nodes").select("incarnation").where("id", "=", nodeId).executeTakeFirst();
  if (node?.incarnation !== incarnation) throw new GatewayError("node_superseded");
}

/** What the audit log has of a registration. */
function said(version: string, given: string | undefined): string {
  return given === undefined ? `version ${version}` : `version ${version}, given ${given}`;
}

function nodeEntry(action: "node.register" | "node.deregister", nodeId: string, detail?: string) {
  return { action, by: { nodeId, api: "link" }, object: { kind: "node", id: nodeId }, detail } as const;
}

function parseForwardAddress(text: string | undefined): string | null {
  if (text === undefined) return null;
  return parse("forwardAddress", text, (value) => formatHostPort(hostPort(value)));
}
