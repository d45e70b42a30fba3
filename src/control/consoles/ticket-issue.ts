import { hash } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import { type Tracing, traced } from "#base/process/tracing/tracing.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Protocol } from "#wire/grant.ts";
import { sealTicket } from "#wire/ticket.ts";
import type { Actor, Audit, AuditEntry } from "../audit/audit.ts";
import { Pictures } from "../audit/pictures.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { AssignedNode, AssignNode } from "../fleet/candidates.ts";
import { codeOf } from "../observe/observing.ts";
import type { ApiName, IssuedConsole, TicketPurpose, Whence } from "../services.ts";
import { isUnredeemed } from "../sessions/conditions.ts";
import { createSessionIds } from "../sessions/session-id.ts";
import type { SettingValues } from "../settings/settings.ts";
import { addWithinBounds } from "../store/bounded.ts";
import { INTEGER, nullable, of, prepare, TEXT } from "../store/prepared.ts";
import type { OfflineGrant } from "../store/schema.ts";
import type { Queries, Store } from "../store/store.ts";
import type { NodeKeys } from "../tickets/node-keys.ts";
import { WANTED } from "../tickets/offline-grants.ts";
import { consoleUrl, webSocketOf } from "./console-url.ts";

/** A console that its opener may have: rights and machine were judged. */
interface ConsoleOrder {
  readonly account: { readonly id: string; readonly name: string };
  /** The key that it is opened with, where it is one. */
  readonly apiKey?: string | undefined;
  readonly machine: {
    readonly id: string;
    readonly name: string;
    readonly project_id: string;
    readonly protocol: Protocol;
  };
  readonly api: ApiName;
  readonly purpose: TicketPurpose;
  readonly viewOnly: boolean;
  /** What the viewer must bring beside the ticket. */
  readonly extra?: string | undefined;
  /** The only address that the viewer may come from; canonical. */
  readonly boundAddress?: string | undefined;
  readonly creatorAddress: string;
  /** Who asked, where it is more than the account: for the audit log. */
  readonly by?: (Actor & Pick<Whence, "traceparent">) | undefined;
  /** What is written into the audit log: another ticket for a console that was open, or a first one. */
  readonly action?: "console.reopen" | undefined;
  /** Runs first in the session's transaction: throws to call it off. */
  readonly spend?: ((db: Queries) => Promise<void>) | undefined;
}

export type IssueTicket = (order: ConsoleOrder) => Promise<IssuedConsole>;

/** A session has one attachment now: the node that its ticket was issued for. */
const FIRST_ATTACHMENT = 1;

/** Assigns a node, writes the session and seals its ticket: one durable transaction. */
export function createTicketIssue(parts: {
  readonly store: Store;
  readonly cluster: Cluster;
  readonly audit: Audit;
  readonly values: SettingValues;
  readonly clock: Clock;
  readonly assignNode: AssignNode;
  readonly nodeKeys: NodeKeys;
  readonly tracing?: Tracing | undefined;
}): IssueTicket {
  const { store, cluster, audit, values, clock, assignNode, nodeKeys, tracing } = parts;
  const nextId = createSessionIds(clock);
  const countUnredeemed = prepareCount(store);
  const insertSession = prepareInsert(store);
  const pictures = new Pictures(clock);

  return async (order) => {
    const id = nextId();
    const attributes = { "porthole.session.id": id, "porthole.machine.id": order.machine.id };
    const span = tracing?.start("issue", { parent: order.by?.traceparent, attributes });
    return await traced(span, async () => await issue(id, order, span?.traceparent), codeOf);
  };

  async function issue(id: string, order: ConsoleOrder, traceparent?: string): Promise<IssuedConsole> {
    const { account, machine, api, extra } = order;
    const issuedAt = clock.now();
    const expiresAt = issuedAt + values.value(`console.ticket.lifetime.${api}`);
    // Nobody comes back to a picture.
    const isOffline = values.value("console.offline.policy") === "accept" && order.purpose === "console";
    const maximumPending = values.value("console.ticket.pending.max");

    const node = await addWithinBounds(store, "sessions", async (db, sayRoom) => {
      await order.spend?.(db);
      const [unredeemed] = await countUnredeemed(db, { accountId: account.id, purpose: order.purpose });
      const left = maximumPending - (unredeemed?.count ?? 0);
      if (left <= 0)
        throw new GatewayError("rate_limited", {
          detail: `the account has ${maximumPending} links that nobody used yet`,
        });
      const assignment = tracing?.start("assignment", { parent: traceparent });
      const assigned = await traced(assignment, async () => await assignNode(db, machine.id), codeOf);
      if (assigned === undefined) throw new GatewayError("no_node_available");
      sayRoom(Math.min(left, (assigned.maximumSessions ?? Infinity) - assigned.sessions));
      await insertSession(db, sessionValues({ order, assigned, id, issuedAt, expiresAt, isOffline }));
      if (pictures.isWorthTelling(order)) await audit.record(db, issuedEntry(order, id, assigned.id));
      if (isOffline) await cluster.publish(db, "node", assigned.id);
      return assigned;
    });

    const ticket = await sealTicket(
      {
        sessionId: id,
        attachment: FIRST_ATTACHMENT,
        nodeId: node.id,
        incarnation: node.incarnation,
        ...(order.purpose === "thumbnail" ? { purpose: order.purpose } : {}),
        ...(traceparent === undefined ? {} : { traceparent }),
        issuedAt,
        expiresAt,
        ...(extra === undefined ? {} : { extraHash: extraHash(extra) }),
        ...(order.boundAddress === undefined ? {} : { callerAddress: order.boundAddress }),
      },
      await nodeKeys.sealing(node),
    );
    return {
      sessionId: id,
      ticket,
      ...(extra === undefined ? {} : { extra }),
      expiresAt: new Date(expiresAt),
      pageOrigin: node.pageOrigin,
      url: consoleUrl(node, { projectId: machine.project_id, ticket, extra }),
      websocket: webSocketOf(node),
    };
  }
}

function issuedEntry(order: ConsoleOrder, sessionId: string, nodeId: string): AuditEntry {
  const { account, machine, api, by, action, creatorAddress: address } = order;
  return {
    action: action ?? (order.purpose === "thumbnail" ? "thumbnail.issue" : "console.issue"),
    by: { ...by, accountId: account.id, name: account.name, nodeId, address, api },
    object: { kind: "machine", id: machine.id, name: machine.name },
    sessionId,
  };
}

/** As the node compares it: SHA-256 of the UTF-8 text, base64url. */
function extraHash(extra: string): string {
  return hash("sha256", extra, "base64url");
}

function prepareCount(store: Store) {
  return prepare(store, { accountId: TEXT, purpose: of<TicketPurpose>() }, (query, { accountId, purpose }) =>
    query
      .selectFrom("sessions")
      .select((select) => select.fn.countAll<number>().as("count"))
      .where("account_id", "=", accountId)
      .where(isUnredeemed)
      .where("purpose", "=", purpose)
      .where("ticket_expires_at", ">", store.now),
  );
}

function prepareInsert(store: Store) {
  const kinds = {
    id: TEXT,
    account_id: TEXT,
    account_name: TEXT,
    api_key: nullable(TEXT),
    project_id: TEXT,
    machine_id: TEXT,
    machine_name: TEXT,
    protocol: of<Protocol>(),
    api: of<ApiName>(),
    view_only: of<0 | 1>(),
    purpose: of<TicketPurpose>(),
    node_id: TEXT,
    incarnation: TEXT,
    attachment: INTEGER,
    created_at: INTEGER,
    ticket_expires_at: INTEGER,
    creator_address: TEXT,
    bound_address: nullable(TEXT),
    offline_grant: nullable(of<OfflineGrant>()),
  };
  return prepare(store, kinds, (query, values) =>
    query.insertInto("sessions").values({
      ...values,
      state: "pending",
      bytes_to_viewer: 0,
      bytes_from_viewer: 0,
    }),
  );
}

function sessionValues({ order, assigned, id, issuedAt, expiresAt, isOffline }: NewSession) {
  const { account, machine } = order;
  return {
    id,
    account_id: account.id,
    account_name: account.name,
    api_key: order.apiKey ?? null,
    project_id: machine.project_id,
    machine_id: machine.id,
    machine_name: machine.name,
    protocol: machine.protocol,
    api: order.api,
    view_only: order.viewOnly || order.purpose === "thumbnail" ? (1 as const) : (0 as const),
    purpose: order.purpose,
    node_id: assigned.id,
    incarnation: assigned.incarnation,
    attachment: FIRST_ATTACHMENT,
    created_at: issuedAt,
    ticket_expires_at: expiresAt,
    creator_address: order.creatorAddress,
    bound_address: order.boundAddress ?? null,
    offline_grant: isOffline ? WANTED : null,
  };
}

interface NewSession {
  readonly order: ConsoleOrder;
  readonly assigned: AssignedNode;
  readonly id: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Whether its node is to have the grant ahead. */
  readonly isOffline: boolean;
}
