import { sql } from "kysely";
import type { Clock } from "#base/clock.ts";
import type { ErrorCode } from "#wire/errors.ts";
import type { Audit } from "../audit/audit.ts";
import { ENDED, type EndedSession } from "../audit/endings.ts";
import { carries } from "../fleet/carrying.ts";
import { silenceMs } from "../fleet/up.ts";
import type { SettingValues } from "../settings/settings.ts";
import { held } from "../store/held.ts";
import { INTEGER, prepare } from "../store/prepared.ts";
import type { Queries, Store } from "../store/store.ts";
import { isLive, isOfflineUnredeemed, isThumbnail, isUnredeemed } from "./conditions.ts";
import { endedColumns } from "./endings.ts";
import { findSessions } from "./found.ts";

const limits = {
  /** Of one sweep's statement, so that nobody waits long for it. */
  sweptSessions: 500,
  /**
   * From a redemption to the node's first word about it. A node says within a minute whether the console opened or
   * why it did not (the sum of proxy/deadlines.ts); whoever says nothing for five never got our answer.
   */
  unreportedMs: 5 * 60 * 1000,
  /** From a node's first word after it was cut off to its reports; it tries again every ten seconds at least. */
  reportMs: 60_000,
  /** A dashboard asks for thousands of pictures a day, and nobody asks who saw which longer than this. */
  thumbnailsMs: 60 * 60 * 1000,
} as const;

/** Ends what nobody will end any more. Resolves to how many sessions it ended in its bounded batch. */
export type SessionSweep = () => Promise<number>;

interface SweepParts {
  readonly store: Store;
  readonly audit: Audit;
}

/** Runs a statement that ends sessions, with what it did written into the audit log. */
async function endAll(
  { store, audit }: SweepParts,
  end: (db: Queries) => Promise<readonly EndedSession[]>,
): Promise<number> {
  return await store.db.transaction().execute(async (db) => {
    const ended = await end(db);
    await audit.recordEndings(db, ended);
    return ended.length;
  });
}

/** Ends the sessions whose tickets nobody used in time. */
export function createTicketSweep(parts: SweepParts): SessionSweep {
  const { store } = parts;
  // One that is redeemed meanwhile was redeemed in time.
  const end = prepare(store, {}, (db) =>
    findSessions(db, store, overdueSessions(db, store))
      .updateTable("sessions")
      .set({
        ...endedColumns({ kind: "refused", code: "ticket_expired" }, store.now),
        ended_at: sql`ticket_expires_at`,
      })
      .where("sessions.id", "in", (found) => found.selectFrom("found").select("found.id"))
      .returning(ENDED),
  );
  return async () => await endAll(parts, async (db) => await end(db, {}));
}

/**
 * The same for those whose nodes have their grants, and may have let somebody in while they were cut off: when the node
 * was heard of since, for long enough to have said so, or is given up.
 */
export function createOfflineSweep(parts: Omit<NodeSweepParts, "clock">): SessionSweep {
  const { store, values } = parts;
  // A report that comes meanwhile is right.
  const end = prepare(store, { reportMs: INTEGER, lostMs: INTEGER }, (db, slots) =>
    findSessions(db, store, forgottenSessions(db, store, slots))
      .updateTable("sessions")
      .set({
        state: "ended",
        ended_at: sql`ticket_expires_at`,
        ending_kind: "refused",
        // That of whoever ended it from outside, where somebody has.
        ending_code: sql<ErrorCode>`case when state = 'closing' then ending_code else 'ticket_expired' end`,
      })
      .where("sessions.id", "in", (found) => found.selectFrom("found").select("found.id"))
      .returning(ENDED),
  );
  return async () => {
    const bounds = { reportMs: limits.reportMs, lostMs: values.value("session.lost.timeout") };
    return await endAll(parts, async (db) => await end(db, bounds));
  };
}

/**
 * Ends the sessions whose node never learnt that their ticket was redeemed: our answer was lost on its way, so the
 * viewer was told `control_unreachable`, and there is nothing that the node could report. Only where the node was
 * heard of since, for long enough to have reported: while it is cut off, what it has to report waits there.
 */
export function createUnreportedSweep(parts: SweepParts): SessionSweep {
  const { store } = parts;
  // A report that comes meanwhile is right, and so is a node that asks for the grant once more.
  const end = prepare(store, { unreportedMs: INTEGER, reportMs: INTEGER }, (db, slots) =>
    findSessions(db, store, unreportedSessions(db, store, slots))
      .updateTable("sessions")
      .set(endedColumns({ kind: "failed", code: "control_unreachable" }, store.now))
      .where("sessions.id", "in", (found) => found.selectFrom("found").select("found.id"))
      .returning(ENDED),
  );
  return async () => await endAll(parts, async (db) => await end(db, limits));
}

/**
 * Marks the sessions of nodes that are silent as `detached`: the consoles may be open still, but nobody knows. The
 * registry makes them active again when the node is heard of. Time in which control itself was away does not count as
 * a node's silence.
 */
export function createSilentNodeSweep({ store, values, clock }: NodeSweepParts): SessionSweep {
  const listeningSince = clock.now();
  const detach = prepare(store, { silenceMs: INTEGER }, (db, slots) =>
    findSessions(db, store, silentSessions(db, store, slots.silenceMs))
      .updateTable("sessions")
      .set({ state: "detached" })
      .where("sessions.id", "in", (found) => found.selectFrom("found").select("found.id"))
      .returning("sessions.id"),
  );
  return async () => {
    if (clock.now() - listeningSince < silenceMs(values)) return 0;
    return (await detach(store.db, { silenceMs: silenceMs(values) })).length;
  };
}

interface NodeSweepParts extends SweepParts {
  readonly values: SettingValues;
  readonly clock: Clock;
}

/**
 * Ends the sessions of nodes that were not heard of for `session.lost.timeout`. What such a node says later changes
 * nothing: what is over stays over. Time in which control itself was away does not count as a node's silence.
 */
export function createLostNodeSweep(parts: NodeSweepParts): SessionSweep {
  const { store, values, clock } = parts;
  const listeningSince = clock.now();
  const end = prepare(store, { timeoutMs: INTEGER }, (db, slots) =>
    findSessions(db, store, lostSessions(db, store, slots.timeoutMs))
      .updateTable("sessions")
      .set(endedColumns({ kind: "failed", code: "node_lost" }, store.now))
      .where("sessions.id", "in", (found) => found.selectFrom("found").select("found.id"))
      .returning(ENDED),
  );
  return async () => {
    const timeoutMs = values.value("session.lost.timeout");
    if (clock.now() - listeningSince < timeoutMs) return 0;
    return await endAll(parts, async (db) => await end(db, { timeoutMs }));
  };
}

/**
 * Ends the sessions of nodes that are forgotten: their consoles were given out at the same moment. Looks at all that live,
 * so not too often.
 */
export function createOrphanSweep(parts: SweepParts): SessionSweep {
  const { store } = parts;
  const end = prepare(store, {}, (db) =>
    findSessions(db, store, orphanedSessions(db))
      .updateTable("sessions")
      .set(endedColumns({ kind: "failed", code: "node_lost" }, store.now))
      .where("sessions.id", "in", (found) => found.selectFrom("found").select("found.id"))
      .returning(ENDED),
  );
  return async () => await endAll(parts, async (db) => await end(db, {}));
}

/** Forgets the pictures that were made, or were to be made, an hour ago. Resolves to how many. */
export function createThumbnailSweep(store: Store): SessionSweep {
  const forget = prepare(store, { ageMs: INTEGER }, (db, slots) =>
    db
      .deleteFrom("sessions")
      .where("id", "in", (old) =>
        old
          .selectFrom("sessions")
          .select("id")
          .where(isThumbnail)
          .where("ended_at", "<=", (where) => where(store.now, "-", slots.ageMs))
          .limit(limits.sweptSessions),
      )
      .returning("id"),
  );
  return async () => (await forget(store.db, { ageMs: limits.thumbnailsMs })).length;
}

type Milliseconds = ReturnType<typeof sql<number>>;

function overdueSessions(db: Queries, { now }: Pick<Store, "now">) {
  return db
    .selectFrom("sessions")
    .select("sessions.id")
    .where(isUnredeemed)
    .where("sessions.offline_grant", "is", null)
    .where("sessions.ticket_expires_at", "<=", now)
    .limit(limits.sweptSessions);
}

function forgottenSessions(
  db: Queries,
  { now }: Pick<Store, "now">,
  { reportMs, lostMs }: { readonly reportMs: Milliseconds; readonly lostMs: Milliseconds },
) {
  return db
    .selectFrom("sessions")
    .leftJoin("nodes", "nodes.id", "sessions.node_id")
    .select("sessions.id")
    .where(isOfflineUnredeemed)
    .where("sessions.ticket_expires_at", "<=", now)
    .where((where) =>
      where.or([
        where.and([
          where("nodes.seen_at", ">", where("sessions.ticket_expires_at", "+", reportMs)),
          hasSaidAll(reportMs),
        ]),
        where("nodes.seen_at", "<=", where(now, "-", lostMs)),
        where("nodes.id", "is", null),
      ]),
    )
    .limit(limits.sweptSessions);
}

/** Of a node that was heard of without a break for long enough to have reported what it kept while it was cut off. */
function hasSaidAll(reportMs: Milliseconds) {
  return sql<boolean>`nodes.seen_at > coalesce(nodes.heard_since, 0) + ${reportMs}`;
}

/** Answered off the index of the sessions that live: see the test. */
export function unreportedSessions(
  db: Queries,
  { now }: Pick<Store, "now">,
  { unreportedMs, reportMs }: { readonly unreportedMs: Milliseconds; readonly reportMs: Milliseconds },
) {
  return db
    .selectFrom("sessions")
    .innerJoin("nodes", "nodes.id", "sessions.node_id")
    .select("sessions.id")
    .where(isLive)
    .where("sessions.state", "=", "pending")
    .where("sessions.redeemed_at", "<=", (where) => where(now, "-", unreportedMs))
    .where("nodes.seen_at", ">", (where) => where("sessions.redeemed_at", "+", unreportedMs))
    .where(hasSaidAll(reportMs))
    .limit(limits.sweptSessions);
}

/** Answered off the index of the sessions that live, node by node: see the test. */
export function silentSessions(db: Queries, store: Held, silence: Milliseconds) {
  return withSilentNodes(db, store, silence)
    .selectFrom("sessions")
    .select("sessions.id")
    .where(isLive)
    .where("sessions.state", "=", "active")
    .where("sessions.node_id", "in", (silent) => silent.selectFrom("silent").select("silent.id"))
    .limit(limits.sweptSessions);
}

/** Answered off the index of the sessions that live, node by node: see the test. A ticket's end is its own. */
export function lostSessions(db: Queries, store: Held, timeoutMs: Milliseconds) {
  return withSilentNodes(db, store, timeoutMs)
    .selectFrom("sessions")
    .select("sessions.id")
    .where(isLive)
    .where("sessions.node_id", "in", (silent) => silent.selectFrom("silent").select("silent.id"))
    .where("sessions.redeemed_at", "is not", null)
    .limit(limits.sweptSessions);
}

/** A ticket's end is its own. */
function orphanedSessions(db: Queries) {
  return db
    .selectFrom("sessions")
    .select("sessions.id")
    .where(isLive)
    .where("sessions.redeemed_at", "is not", null)
    .where((where) =>
      where.not(
        where.exists(
          where.selectFrom("nodes").select("nodes.id").whereRef("nodes.id", "=", "sessions.node_id"),
        ),
      ),
    )
    .limit(limits.sweptSessions);
}

type Held = Pick<Store, "now" | "transactionsAtOnce">;

/**
 * Those that were not heard of for so long, and have sessions. They are held, and so not heard of until what is done about
 * it is done.
 */
function withSilentNodes(db: Queries, store: Held, silence: Milliseconds) {
  return db.with(
    (table) => table("silent").materialized(),
    (query) =>
      query
        .selectFrom("nodes")
        .select("nodes.id")
        .where("nodes.seen_at", "<=", (where) => where(store.now, "-", silence))
        .where(carries)
        .orderBy("nodes.id")
        .$call(held(store, "nodes")),
  );
}
