import { type ExpressionBuilder, type ExpressionWrapper, type SqlBool, sql } from "kysely";
import type { ErrorCode } from "#wire/errors.ts";
import { type EndSessionsCommand, linkLimits } from "#wire/link.ts";
import type { EndingKind } from "#wire/viewer.ts";
import type { Audit } from "../audit/audit.ts";
import { ENDED } from "../audit/endings.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { INTEGER, prepare, TEXT } from "../store/prepared.ts";
import type { Schema } from "../store/schema.ts";
import type { Queries, Store } from "../store/store.ts";
import { isUnredeemed } from "./conditions.ts";
import { endedColumns } from "./endings.ts";
import { findSessions } from "./found.ts";
import { statesBefore } from "./states.ts";

const limits = {
  /** A redemption's answer may be on its way to a node that does not know the session yet. */
  unheardOfMs: 60_000,
} as const;

/** Makes conditions on sessions' rows. */
export type SessionConditions = ExpressionBuilder<Schema, "sessions">;

/** Which sessions. */
type Which = (session: SessionConditions) => ExpressionWrapper<Schema, "sessions", SqlBool>;

interface Reason {
  readonly code: ErrorCode;
  readonly detail?: string | undefined;
}

interface Parts {
  readonly store: Store;
  readonly audit: Audit;
}

/**
 * Ends sessions from outside, in the transaction that is the reason for it. Those that nobody uses yet are over at once.
 * The others are `closing` until the node that carries them has ended them: it is told when the transaction is on
 * disk, and again whenever it is heard of, so a node that is cut off is told when it comes back.
 */
export type CloseSessions = (db: Queries, which: Which, reason: Reason) => Promise<void>;

export function createClosing({ store, audit }: Parts, cluster: Cluster): CloseSessions {
  return async (db, which, { code, detail }) => {
    const wanted = db.selectFrom("sessions").select("sessions.id").where(which);
    // Where its node has the grant, somebody may be using it.
    const unused = wanted.where(isUnredeemed).where("sessions.offline_grant", "is", null);
    const ended = await findSessions(db, store, unused)
      .updateTable("sessions")
      .set(endedColumns({ kind: "refused", code, ...(detail === undefined ? {} : { detail }) }, store.now))
      .where("sessions.id", "in", (found) => found.selectFrom("found").select("found.id"))
      .returning(ENDED)
      .execute();
    await audit.recordEndings(db, ended);
    const open = wanted.where("sessions.state", "in", statesBefore("closing"));
    const closing = await findSessions(db, store, open)
      .updateTable("sessions")
      .set({
        state: "closing",
        ending_kind: sql<EndingKind>`case when redeemed_at is null then 'refused' else 'closed' end`,
        ending_code: code,
        ending_detail: detail ?? null,
      })
      .where("sessions.id", "in", (found) => found.selectFrom("found").select("found.id"))
      .returning("node_id")
      .execute();
    for (const nodeId of new Set(closing.map((row) => row.node_id)))
      await cluster.publish(db, "node", nodeId);
  };
}

/** What control wants of a node: see control/link/commands.ts. */
export interface Closings {
  /** The sessions that the node is to end, behind `after` in the order of their ids: as many as one command takes. */
  of(nodeId: string, after: string): Promise<EndSessionsCommand | undefined>;
  /** Ends those that the node knows nothing of: it told of their end long ago, or never heard of them. */
  settle(nodeId: string, sessionIds: readonly string[]): Promise<void>;
}

export function createClosings({ store, audit }: Parts): Closings {
  const find = prepare(store, { nodeId: TEXT, after: TEXT }, (db, slots) =>
    db
      .selectFrom("sessions")
      .innerJoin("nodes", (join) =>
        join
          .onRef("nodes.id", "=", "sessions.node_id")
          .onRef("nodes.incarnation", "=", "sessions.incarnation"),
      )
      .select(["sessions.id", "sessions.attachment", "sessions.incarnation"])
      .select(["sessions.ending_code", "sessions.ending_detail"])
      .where("sessions.node_id", "=", slots.nodeId)
      // In these words, so that the index of closing sessions is used.
      .where(sql<boolean>`sessions.state = 'closing'`)
      .where("sessions.id", ">", slots.after)
      .orderBy("sessions.id")
      .limit(linkLimits.reportsPerRequest),
  );
  const settle = prepare(store, { id: TEXT, nodeId: TEXT, unheardOfMs: INTEGER }, (db, slots) =>
    db
      .updateTable("sessions")
      .set({ state: "ended", ended_at: store.now })
      .where("id", "=", slots.id)
      .where("node_id", "=", slots.nodeId)
      .where("state", "=", "closing")
      .where((where) =>
        where.or([
          where("redeemed_at", "is", null),
          where("redeemed_at", "<=", where(store.now, "-", slots.unheardOfMs)),
        ]),
      )
      .returning(ENDED),
  );

  return {
    async of(nodeId, after) {
      const rows = await find(store.db, { nodeId, after });
      const [first] = rows;
      if (first === undefined) return undefined;
      const sessions = rows.map((row) => ({
        sessionId: row.id,
        attachment: row.attachment,
        code: row.ending_code ?? "internal",
        ...(row.ending_detail === null ? {} : { detail: row.ending_detail }),
      }));
      return { incarnation: first.incarnation, sessions };
    },

    async settle(nodeId, sessionIds) {
      const { unheardOfMs } = limits;
      await store.db.transaction().execute(async (db) => {
        for (const id of sessionIds.toSorted())
          await audit.recordEndings(db, await settle(db, { id, nodeId, unheardOfMs }));
      });
    },
  };
}
