import { type Selectable, sql } from "kysely";
import type { Session } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Audit } from "../audit/audit.ts";
import { pageSize, readCursor, toPage } from "../paging.ts";
import type { Caller, Sessions } from "../services.ts";
import type { Queries, Store } from "../store/store.ts";
import type { CloseSessions } from "./closing.ts";
import { isConsole, isLive, narrowing } from "./conditions.ts";
import { searchSessions } from "./session-search.ts";
import type { SessionTable } from "./session-table.ts";

/** Who opened what, newest first. Administrators see all sessions, members those of their own account. */
export function createSessions({
  store,
  audit,
  closeSessions,
}: {
  readonly store: Store;
  readonly audit: Audit;
  readonly closeSessions: CloseSessions;
}): Sessions {
  return {
    async list(caller, filter) {
      const size = pageSize(filter);
      const [before] = readCursor(filter, "id") ?? [];
      const rows = await sessionQuery(store.db, { caller, filter, before, size }).execute();
      return toPage(rows, size, { item: toSession, key: (row) => [row.id] });
    },

    async search(caller, filter, window) {
      return await searchSessions(store.db, { caller, filter, window, item: toSession });
    },

    async get(caller, id) {
      return toSession(await visibleSession(store.db, caller, id));
    },

    async end(caller, id) {
      return await store.db.transaction().execute(async (db) => {
        const { machine_id, machine_name } = await visibleSession(db, caller, id);
        const object = { kind: "machine", id: machine_id, name: machine_name } as const;
        await audit.record(db, { action: "console.close", by: caller, object, sessionId: id });
        await closeSessions(db, (session) => session("id", "=", id), {
          code: "session_ended",
          detail: `by ${caller.name}`,
        });
        return toSession(await visibleSession(db, caller, id));
      });
    },
  };
}

/** Throws `not_found` for what the caller may not see as for what there is not. */
async function visibleSession(db: Queries, caller: Caller, id: string): Promise<Selectable<SessionTable>> {
  const row = await db.selectFrom("sessions").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined || (caller.role !== "admin" && row.account_id !== caller.accountId))
    throw new GatewayError("not_found", { detail: "session" });
  return row;
}

/** The statement behind a list. Each of its forms is answered by an index: see the test. */
export function sessionQuery(
  db: Queries,
  {
    caller,
    filter,
    before,
    size,
  }: {
    readonly caller: Pick<Caller, "role" | "accountId">;
    readonly filter: Parameters<Sessions["list"]>[1];
    readonly before: string | undefined;
    readonly size: number;
  },
) {
  const { state, machineId } = filter;
  const live = state !== undefined && state !== "ended";
  const column = live ? narrowing : sql.ref<string>;
  let query = db
    .selectFrom("sessions")
    .selectAll()
    .where(isConsole)
    .orderBy("id", "desc")
    .limit(size + 1);
  if (caller.role !== "admin") query = query.where(column("account_id"), "=", caller.accountId);
  if (machineId !== undefined) query = query.where(column("machine_id"), "=", machineId);
  if (state !== undefined) query = query.where("state", "=", state);
  if (live) query = query.where(isLive);
  if (before !== undefined) query = query.where("id", "<", before);
  return query;
}

function toSession(row: Selectable<SessionTable>): Session {
  return {
    id: row.id,
    state: row.state,
    machineId: row.machine_id,
    machine: row.machine_name,
    projectId: row.project_id,
    accountId: row.account_id,
    account: row.account_name,
    protocol: row.protocol,
    viewOnly: row.view_only === 1,
    nodeId: row.node_id,
    createdAt: time(row.created_at),
    ...(row.redeemed_at === null ? {} : { redeemedAt: time(row.redeemed_at) }),
    ...(row.ended_at === null ? {} : { endedAt: time(row.ended_at) }),
    creatorAddress: row.creator_address,
    ...(row.viewer_address === null ? {} : { viewerAddress: row.viewer_address }),
    ...endingOf(row),
    bytesToViewer: row.bytes_to_viewer,
    bytesFromViewer: row.bytes_from_viewer,
  };
}

function endingOf(row: Selectable<SessionTable>): Pick<Session, "ending"> {
  const { ending_kind: kind, ending_code: code, ending_detail: detail, ending_step: step } = row;
  if (kind === null || code === null) return {};
  return {
    ending: { kind, code, ...(detail === null ? {} : { detail }), ...(step === null ? {} : { step }) },
  };
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
