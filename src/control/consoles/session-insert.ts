import { type Expression, type ExpressionBuilder, type QueryCreator, type SqlBool, sql } from "kysely";
import type { ConsoleProtocol } from "#wire/grant.ts";
import { AUDIT_COLUMNS, type Audit, type AuditEntry } from "../audit/audit.ts";
import type { ApiName, TicketPurpose } from "../services.ts";
import { isConsole, isLive } from "../sessions/conditions.ts";
import type { OfflineGrant } from "../sessions/session-table.ts";
import { held } from "../store/held.ts";
import { INTEGER, nullable, of, prepare, type Slots, TEXT, type ValuesOf } from "../store/prepared.ts";
import type { Schema } from "../store/schema.ts";
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
  protocol: of<ConsoleProtocol>(),
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

const KINDS = { ...COLUMNS, ...CONDITIONS } as const;

export type SessionInsert = ValuesOf<typeof KINDS>;

/** Writes a session, and the row of the audit log that tells of it, if one does. False: neither is written. */
export type InsertSession = (db: Queries, session: SessionInsert, told?: AuditEntry) => Promise<boolean>;

interface Parts {
  readonly store: Store;
  readonly audit: Audit;
}

/**
 * Writes a pending session, where its node is up, takes sessions, holds the key that its ticket is sealed with, and the
 * place is free. Where the store chains writes it is one statement, which needs no transaction.
 */
export function prepareSessionInsert(parts: Parts): InsertSession {
  return prepareInsert(parts, (node) => node("nodes.draining_at", "is", null));
}

/**
 * The same of a console that bears one connection: where no other node holds it, and on a node that drains where that
 * holds it. The transaction has the machine's `lockExclusive`.
 */
export function prepareExclusiveInsert(parts: Parts): InsertSession {
  return prepareInsert(parts, (node, slots) => {
    const consolesAt = (is: "=" | "<>") =>
      node.exists(
        node
          .selectFrom("sessions")
          .select("sessions.id")
          .where("sessions.machine_id", "=", slots.machine_id)
          .where("sessions.protocol", "=", slots.protocol)
          .where("sessions.node_id", is, slots.node_id)
          .where(isConsole)
          .where(isLive),
      );
    const takesIt = node.or([node("nodes.draining_at", "is", null), consolesAt("=")]);
    return node.and([takesIt, node.not(consolesAt("<>"))]);
  });
}

/**
 * Whoever gives out a machine's console that bears one connection waits for who does so already. Where a session holds it,
 * that does not end before the transaction does: its node may be waiting for nothing else to leave.
 */
export async function lockExclusive(store: Store, db: Queries, machineId: string): Promise<void> {
  await store.lock(db, `console ${machineId}`);
  await db
    .selectFrom("sessions")
    .select("sessions.id")
    .where("sessions.machine_id", "=", machineId)
    .where(isConsole)
    .where(isLive)
    .orderBy("sessions.id")
    .$call(held(store, "sessions"))
    .execute();
}

type SessionSlots = Slots<typeof KINDS>;
type Takes = (node: ExpressionBuilder<Schema, "nodes">, slots: SessionSlots) => Expression<SqlBool>;

function prepareInsert({ store, audit }: Parts, takes: Takes): InsertSession {
  const build = (db: QueryCreator<Schema>, slots: SessionSlots) => insertOf(db, slots, { store, takes });
  const insert = prepare(store, KINDS, build);
  const insertTold = store.chainsWrites ? prepareTold(store, build) : undefined;

  return async (db, session, told) => {
    if (told !== undefined && insertTold !== undefined)
      return await audit.recordWith(db, told, async (row) => {
        const seated = await insertTold(db, { ...session, ...renamed(row) });
        return seated.length > 0;
      });
    const seated = await insert(db, session);
    if (seated.length > 0 && told !== undefined) await audit.record(db, told);
    return seated.length > 0;
  };
}

function insertOf(
  db: QueryCreator<Schema>,
  slots: SessionSlots,
  { store, takes }: { readonly store: Store; readonly takes: Takes },
) {
  const names = Object.keys(COLUMNS) as (keyof typeof COLUMNS)[];
  return (
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
      .returning("id")
  );
}

/** A session and its row of the audit log have columns of the same names. */
type Told = {
  readonly [Name in keyof typeof AUDIT_COLUMNS as `audit_${Name}`]: (typeof AUDIT_COLUMNS)[Name];
};

function prepareTold(
  store: Store,
  build: (db: QueryCreator<Schema>, slots: SessionSlots) => ReturnType<typeof insertOf>,
) {
  const names = Object.keys(AUDIT_COLUMNS) as (keyof typeof AUDIT_COLUMNS)[];
  const kinds = { ...KINDS, ...(renamed(AUDIT_COLUMNS) as Told) };
  return prepare(store, kinds, (db, slots) =>
    db
      .with("seated", (query) => build(query, slots))
      .with("told", (query) =>
        query
          .insertInto("audit")
          .columns(names)
          .expression((row) =>
            row
              .selectFrom("seated")
              .select(names.map((name) => sql<unknown>`${slots[`audit_${name}`]}`.as(name))),
          ),
      )
      .selectFrom("seated")
      .select("id"),
  );
}

function renamed<Row extends object>(
  row: Row,
): { readonly [Name in keyof Row & string as `audit_${Name}`]: Row[Name] } {
  const named = Object.entries(row).map(([name, value]) => [`audit_${name}`, value]);
  return Object.fromEntries(named);
}
