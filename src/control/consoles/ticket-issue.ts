import { hash } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import { type Tracing, traced } from "#base/process/tracing/tracing.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { ConsoleProtocol } from "#wire/grant.ts";
import { sealTicket } from "#wire/ticket.ts";
import type { Actor, Audit, AuditEntry } from "../audit/audit.ts";
import { Pictures } from "../audit/pictures.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { pageBase } from "../fleet/public-names.ts";
import type { ChooseSeat, Seat } from "../fleet/seats.ts";
import { silenceMs } from "../fleet/up.ts";
import { codeOf } from "../observe/observing.ts";
import type { ApiName, IssuedConsole, TicketPurpose, Whence } from "../services.ts";
import { createSessionIds } from "../sessions/session-id.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Queries, Store } from "../store/store.ts";
import type { NodeKeys } from "../tickets/node-keys.ts";
import { WANTED } from "../tickets/offline-grants.ts";
import { consoleUrl, webSocketOf, webSocketUrl } from "./console-url.ts";
import { PendingLinks } from "./pending-links.ts";
import {
  lockExclusive,
  prepareExclusiveInsert,
  prepareSessionInsert,
  type SessionInsert,
} from "./session-insert.ts";

/** A console that its opener may have: rights and machine were judged. */
interface ConsoleOrder {
  readonly account: { readonly id: string; readonly name: string };
  /** The key that it is opened with, where it is one. */
  readonly apiKey?: string | undefined;
  readonly machine: {
    readonly id: string;
    readonly name: string;
    readonly project_id: string;
    readonly pool: string;
    readonly hypervisor_id: string | null;
  };
  readonly protocol: ConsoleProtocol;
  /** Whether the console bears one connection at a time. */
  readonly isExclusive: boolean;
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

const limits = {
  /** How often a seat may be lost to others before its caller is told that there is none. */
  seats: 100,
} as const;

/** Chooses a node, writes the session and seals its ticket: one durable transaction. */
export function createTicketIssue(parts: {
  readonly store: Store;
  readonly cluster: Cluster;
  readonly audit: Audit;
  readonly values: SettingValues;
  readonly clock: Clock;
  readonly chooseSeat: ChooseSeat;
  readonly nodeKeys: NodeKeys;
  readonly tracing?: Tracing | undefined;
}): IssueTicket {
  const { store, cluster, values, clock, chooseSeat, nodeKeys, tracing } = parts;
  const nextId = createSessionIds(clock);
  const links = new PendingLinks(store);
  const insertSession = prepareSessionInsert(parts);
  const insertExclusive = prepareExclusiveInsert(parts);
  const pictures = new Pictures(clock);

  return async (order) => {
    const id = nextId();
    const attributes = { "porthole.session.id": id, "porthole.machine.id": order.machine.id };
    const span = tracing?.start("issue", { parent: order.by?.traceparent, attributes });
    return await traced(span, async () => await issue(id, order, span?.traceparent), codeOf);
  };

  async function issue(id: string, order: ConsoleOrder, traceparent?: string): Promise<IssuedConsole> {
    const { machine, extra } = order;
    const issuedAt = clock.now();
    const expiresAt = issuedAt + values.value(`console.ticket.lifetime.${order.api}`);
    const { node } = await takeSeat(order, { id, issuedAt, expiresAt, traceparent });

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
      pageBase: pageBase(node),
      url: consoleUrl(node, { projectId: machine.project_id, protocol: order.protocol, ticket, extra }),
      websocket: webSocketOf(node),
      webSocketUrl: webSocketUrl(node),
    };
  }

  /** Again and again, as long as others are faster. */
  async function takeSeat(order: ConsoleOrder, session: NewSession): Promise<Seat> {
    const { id: machineId, pool } = order.machine;
    const guest = { id: machineId, pool, protocol: order.protocol, isExclusive: order.isExclusive };
    for (let lost = 0; lost < limits.seats; lost += 1) {
      const span = tracing?.start("assignment", { parent: session.traceparent });
      const seat = await traced(span, async () => await chooseSeat(guest, lost), codeOf);
      if (await isSeated(seat, order, session)) return seat;
    }
    throw new GatewayError("no_node_available");
  }

  /** False, with nothing done, where the seat is another's by now, or the node is not what it was. */
  async function isSeated(seat: Seat, order: ConsoleOrder, session: NewSession): Promise<boolean> {
    const asker = {
      accountId: order.account.id,
      purpose: order.purpose,
      maximum: values.value("console.ticket.pending.max"),
    };
    // Nobody comes back to a picture. And of a machine that a hypervisor has, the hypervisor is asked when the ticket is redeemed:
    // by then another one may have its port.
    const isOffline =
      values.value("console.offline.policy") === "accept" &&
      order.purpose === "console" &&
      order.machine.hypervisor_id === null;
    const insert = order.isExclusive ? insertExclusive : insertSession;
    const told = pictures.isWorthTelling(order) ? issuedEntry(order, session.id, seat.node.id) : undefined;
    const isOneStatement =
      order.spend === undefined &&
      !order.isExclusive &&
      !isOffline &&
      (store.chainsWrites || told === undefined);
    const write = async (db: Queries) => {
      if (order.isExclusive) await lockExclusive(store, db, order.machine.id);
      await order.spend?.(db);
      const isWritten = await insert(db, insertOf({ seat, order, session, isOffline }), told);
      if (!isWritten) throw new SeatLost();
      if (isOffline) await cluster.publish(db, "node", seat.node.id);
    };
    try {
      await links.add(asker, write, { isOneStatement });
      return true;
    } catch (error) {
      if (error instanceof SeatLost) return false;
      throw error;
    }
  }

  function insertOf({ seat, order, session, isOffline }: Inserting): SessionInsert {
    const { account, machine } = order;
    return {
      id: session.id,
      account_id: account.id,
      account_name: account.name,
      api_key: order.apiKey ?? null,
      project_id: machine.project_id,
      machine_id: machine.id,
      machine_name: machine.name,
      protocol: order.protocol,
      api: order.api,
      view_only: order.viewOnly || order.purpose === "thumbnail" ? 1 : 0,
      purpose: order.purpose,
      node_id: seat.node.id,
      incarnation: seat.node.incarnation,
      attachment: FIRST_ATTACHMENT,
      place: seat.place,
      created_at: session.issuedAt,
      ticket_expires_at: session.expiresAt,
      creator_address: order.creatorAddress,
      bound_address: order.boundAddress ?? null,
      offline_grant: isOffline ? WANTED : null,
      silence_ms: silenceMs(values),
      ticket_generation: seat.node.ticketGeneration,
    };
  }
}

/** Undoes the transaction of a session that has no place. */
class SeatLost extends Error {}

interface Inserting {
  readonly seat: Seat;
  readonly order: ConsoleOrder;
  readonly session: NewSession;
  /** Whether its node is to have the grant ahead. */
  readonly isOffline: boolean;
}

interface NewSession {
  readonly id: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly traceparent?: string | undefined;
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
