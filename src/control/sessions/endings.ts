import { type RawBuilder, sql } from "kysely";
import type { Ending } from "#wire/viewer.ts";
import { prepare } from "../store/prepared.ts";
import type { Queries, Store } from "../store/store.ts";
import { isLive, isUnredeemed } from "./conditions.ts";
import { statesBefore } from "./states.ts";

const limits = {
  /** Of one sweep's statement, so that nobody waits long for it. */
  sweptSessions: 500,
} as const;

/** Ends one session that is not over yet, here at control. What a node says of its own comes as a report. */
export async function endSession(store: Store, id: string, ending: Ending): Promise<void> {
  await store.db
    .updateTable("sessions")
    .set(ended(ending, store.now))
    .where("id", "=", id)
    .where("state", "in", statesBefore("ended"))
    .execute();
}

/**
 * Ends what a node carried, or was to carry, when it went away: all of it, or all but what belongs to its present
 * start. Resolves to how many sessions that were.
 */
export async function endSessionsOfNode(
  db: Queries,
  { nodeId, except, ending, now }: NodeSessions,
): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable("sessions")
    .set(ended(ending, now))
    .where("node_id", "=", nodeId)
    .where(isLive)
    .$if(except !== undefined, (query) => query.where("incarnation", "<>", except ?? ""))
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

interface NodeSessions {
  readonly nodeId: string;
  readonly except?: string;
  readonly ending: Ending;
  readonly now: RawBuilder<number>;
}

/** Ends the sessions whose tickets nobody used in time. Resolves to how many it ended in its bounded batch. */
export function createTicketSweep(store: Store): () => Promise<number> {
  const end = prepare(store.db, {}, (db) =>
    db
      .updateTable("sessions")
      .set({
        ...ended({ kind: "refused", code: "ticket_expired" }, store.now),
        ended_at: sql`ticket_expires_at`,
      })
      .where("id", "in", (overdue) =>
        overdue
          .selectFrom("sessions")
          .select("id")
          .where(isUnredeemed)
          .where("ticket_expires_at", "<=", store.now)
          .limit(limits.sweptSessions),
      )
      .returning("id"),
  );
  return async () => (await end(store.db, {})).length;
}

function ended({ kind, code, detail }: Ending, now: RawBuilder<number>) {
  return {
    state: "ended" as const,
    ended_at: now,
    ending_kind: kind,
    ending_code: code,
    ending_detail: detail ?? null,
  };
}
