import type { RawBuilder } from "kysely";
import type { Ending } from "#wire/viewer.ts";
import type { Audit } from "../audit/audit.ts";
import { ENDED } from "../audit/endings.ts";
import type { Queries, Store } from "../store/store.ts";
import { isLive } from "./conditions.ts";
import { findSessions } from "./found.ts";
import { statesBefore } from "./states.ts";

/** Ends one session that is not over yet, here at control. What a node says of its own comes as a report. */
export async function endSession(
  { store, audit }: { readonly store: Store; readonly audit: Audit },
  id: string,
  ending: Ending,
): Promise<void> {
  await store.db.transaction().execute(async (db) => {
    const ended = await db
      .updateTable("sessions")
      .set(endedColumns(ending, store.now))
      .where("id", "=", id)
      .where("state", "in", statesBefore("ended"))
      .returning(ENDED)
      .execute();
    await audit.recordEndings(db, ended);
  });
}

/**
 * Ends what a node carried, or was to carry, when it went away: all of it, or all but what belongs to its present
 * start. Resolves to how many sessions that were.
 */
export async function endSessionsOfNode(
  db: Queries,
  { store, audit, nodeId, except, ending }: NodeSessions,
): Promise<number> {
  const carried = db
    .selectFrom("sessions")
    .select("sessions.id")
    .where("sessions.node_id", "=", nodeId)
    .where(isLive)
    .$if(except !== undefined, (query) => query.where("sessions.incarnation", "<>", except ?? ""));
  const ended = await findSessions(db, store, carried)
    .updateTable("sessions")
    .set(endedColumns(ending, store.now))
    .where("sessions.id", "in", (found) => found.selectFrom("found").select("found.id"))
    .returning(ENDED)
    .execute();
  await audit.recordEndings(db, ended);
  return ended.length;
}

interface NodeSessions {
  readonly store: Store;
  readonly audit: Audit;
  readonly nodeId: string;
  readonly except?: string;
  readonly ending: Ending;
}

/** What a session has in its row once it is over. */
export function endedColumns({ kind, code, detail }: Ending, now: RawBuilder<number>) {
  return {
    state: "ended" as const,
    ended_at: now,
    ending_kind: kind,
    ending_code: code,
    ending_detail: detail ?? null,
  };
}
