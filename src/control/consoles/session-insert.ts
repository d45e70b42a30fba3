import { type Expression, type ExpressionBuilder, type SqlBool, sql } from "kysely";
import type { Protocol } from "#wire/grant.ts";
import type { ApiName, TicketPurpose } from "../services.ts";
import { isConsole, isLive } from "../sessions/conditions.ts";
import { INTEGER, nullable, of, type Prepared, prepare, type Slots, TEXT } from "../store/prepared.ts";
import type { OfflineGrant, Schema } from "../store/schema.ts";
import type { Queries, Store } from "../store/store.ts";

/** What the caller says of a new session, in the order of the columns. */
const COLUMNS = {
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
  place: INTEGER,
  created_at: INTEGER,
  ticket_expires_at: INTEGER,
  creator_address: TEXT,
  bound_address: nullable(TEXT),
  offline_grant: nullable(of<OfflineGrant>()),
} as const;

/** What the node has to be, still. */
const CONDITIONS = { silence_ms: INTEGER, ticket_generation: INTEGER } as const;

export type SessionInsert = Parameters<ReturnType<typeof prepareSessionInsert>>[1];

/**
 * Writes a pending session, where its node is up, takes sessions, holds the key that its ticket is sealed with, and the
 * place is free. Answers no row where not.
 */
export function prepareSessionInsert(
  store: Store,
): Prepared<typeof COLUMNS & typeof CONDITIONS, { readonly id: string }> {
  return prepareInsert(store, (node) => node("nodes.draining_at", "is", null));
}

/**
 * The same of a console that bears one connection: where no other node holds it, and on a node that drains where that
 * holds it. The transaction has the machine's `lockExclusive`.
 */
export function prepareExclusiveInsert(store: Store): ReturnType<typeof prepareSessionInsert> {
  return prepareInsert(store, (node, slots) => {
    const consolesAt = (is: "=" | "<>") =>
      node.exists(
        node
          .selectFrom("sessions")
          .select("sessions.id")
          .where("sessions.machine_id", "=", slots.machine_id)
          .where("sessions.node_id", is, slots.node_id)
          .where(isConsole)
          .where(isLive),
      );
    const takesIt = node.or([node("nodes.draining_at", "is", null), consolesAt("=")]);
    return node.and([takesIt, node.not(consolesAt("<>"))]);
  });
}

/** Whoever gives out a machine's console that bears one connection waits for who does so already. */
export async function lockExclusive(store: Store, db: Queries, machineId: string): Promise<void> {
  await store.lock(db, `console ${machineId}`);
}

type SessionSlots = Slots<typeof COLUMNS & typeof CONDITIONS>;

function prepareInsert(
  store: Store,
  takes: (node: ExpressionBuilder<Schema, "nodes">, slots: SessionSlots) => Expression<SqlBool>,
): ReturnType<typeof prepareSessionInsert> {
  const names = Object.keys(COLUMNS) as (keyof typeof COLUMNS)[];
  return prepare(store, { ...COLUMNS, ...CONDITIONS }, (db, slots) =>
    db
      .insertInto("sessions")
      .columns([...names, "state", "bytes_to_viewer", "bytes_from_viewer"])
      .expression((query) =>
        query
          .selectFrom("nodes")
          // INVARIANT: a ticket is sealed with nothing that its node does not hold, or is to forget.
          .innerJoin("ticket_keys", "ticket_keys.generation", "nodes.ticket_generation")
          .select(names.map((name) => sql<unknown>`${slots[name]}`.as(name)))
          .select([sql`'pending'`.as("state"), sql`0`.as("bytes_to_viewer"), sql`0`.as("bytes_from_viewer")])
          .where("nodes.id", "=", slots.node_id)
          .where("nodes.incarnation", "=", slots.incarnation)
          .where("nodes.ticket_generation", "=", slots.ticket_generation)
          .where("ticket_keys.retiring_at", "is", null)
          .where("nodes.seen_at", ">", (where) => where(store.now, "-", slots.silence_ms))
          .where((node) => takes(node, slots)),
      )
      // INVARIANT: a place is had by one session at a time (migration 0011).
      .onConflict((conflict) => conflict.doNothing())
      .returning("id"),
  );
}
