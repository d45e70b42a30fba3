import { type Selectable, sql } from "kysely";
import type { AuditAction, AuditRow } from "#wire/audit.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { pageSize, readCursor, toPage } from "../paging.ts";
import { requireAdministrator } from "../rights.ts";
import type { AuditFilter, AuditLog } from "../services.ts";
import type { Queries, Store } from "../store/store.ts";
import type { Audit } from "./audit.ts";
import type { AuditTable } from "./audit-table.ts";

const limits = {
  /** Of one piece of an export: as much as waits for a reader who is slow. */
  exportedRows: 500,
} as const;

/** These are most of all rows, so what is asked of them is found along the log itself. */
const COMMON: readonly AuditAction[] = ["console.issue", "console.redeem", "console.end"];

/** The condition of the index over the rest, word for word (store/migrations/0009). */
const isRare = sql<boolean>`action not in ('console.issue', 'console.redeem', 'console.end')`;

/** The audit log as administrators read it: pages, the newest first, or all of it, the oldest first. */
export function createAuditLog({ store, audit }: { readonly store: Store; readonly audit: Audit }): AuditLog {
  return {
    async list(caller, { after, limit, ...filter }) {
      requireAdministrator(caller);
      const size = pageSize({ limit });
      const [before] = readCursor({ after }, "id") ?? [];
      const rows = await auditQuery(store.db, bounds(filter))
        .$if(before !== undefined, (query) => query.where("id", "<", before ?? ""))
        .orderBy("id", "desc")
        .limit(size + 1)
        .execute();
      return toPage(rows, size, { item: toAuditRow, key: (row) => [row.id] });
    },

    async export(caller, filter) {
      requireAdministrator(caller);
      const wanted = bounds(filter);
      await store.db
        .transaction()
        .execute(
          async (db) => await audit.record(db, { action: "audit.export", by: caller, detail: said(filter) }),
        );
      // What is written from here on is left for the next export, so that this one ends.
      const last = await newestId(store.db);
      return pieces(store.db, wanted, last);
    },
  };
}

async function newestId(db: Queries): Promise<string> {
  const row = await db.selectFrom("audit").select("id").orderBy("id", "desc").limit(1).executeTakeFirst();
  return row?.id ?? "";
}

async function* pieces(db: Queries, wanted: Bounds, last: string): AsyncGenerator<readonly AuditRow[]> {
  let after = "";
  for (;;) {
    const rows = await auditQuery(db, wanted)
      .where("id", ">", after)
      .where("id", "<=", last)
      .orderBy("id", "asc")
      .limit(limits.exportedRows)
      .execute();
    if (rows.length > 0) yield rows.map(toAuditRow);
    const end = rows.at(-1);
    if (end === undefined || rows.length < limits.exportedRows) return;
    after = end.id;
  }
}

interface Bounds extends Omit<AuditFilter, "from" | "to"> {
  /** As ids begin that are of this time: see idAt. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

function bounds({ from, to, ...filter }: AuditFilter): Bounds {
  return {
    ...filter,
    from: from === undefined ? undefined : idAt(from, "from"),
    to: to === undefined ? undefined : idAt(to + 1, "to"),
  };
}

/** The statement behind a page. Each of its forms is answered by an index: see the test. */
export function auditQuery(db: Queries, { accountId, object, action, from, to }: Bounds) {
  let query = db.selectFrom("audit").selectAll();
  if (accountId !== undefined) query = query.where("account_id", "=", accountId);
  if (object !== undefined) query = query.where("object_id", "=", object);
  if (action !== undefined) query = query.where("action", "=", action);
  if (action !== undefined && !COMMON.includes(action)) query = query.where(isRare);
  if (from !== undefined) query = query.where("id", ">=", from);
  if (to !== undefined) query = query.where("id", "<", to);
  return query;
}

/** How the ids of a time begin: those of UUID version 7 begin with it (sessions/session-id.ts). */
export function idAt(ms: number, field: string): string {
  if (!Number.isSafeInteger(ms) || ms < 0 || ms >= 2 ** 48)
    throw new GatewayError("request_invalid", { detail: `${field}: not a time of this log` });
  const hex = ms.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

function said({ accountId, object, action, from, to }: AuditFilter): string | undefined {
  const words = Object.entries({ accountId, object, action, from: time(from), to: time(to) })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`);
  return words.length === 0 ? undefined : words.join(" ");
}

function time(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

function toAuditRow(row: Selectable<AuditTable>): AuditRow {
  const known = {
    accountId: row.account_id,
    account: row.account_name,
    apiKey: row.api_key,
    nodeId: row.node_id,
    address: row.address,
    api: row.api,
    object: objectOf(row),
    sessionId: row.session_id,
    reference: row.reference,
    detail: row.detail,
  };
  return {
    id: row.id,
    at: new Date(row.at).toISOString(),
    action: row.action,
    result: row.result,
    ...(Object.fromEntries(Object.entries(known).filter(([, value]) => value !== null)) as Partial<AuditRow>),
  };
}

function objectOf({ object_kind: kind, object_id: id, object_name: name }: Selectable<AuditTable>) {
  if (kind === null) return null;
  return { kind, ...(id === null ? {} : { id }), ...(name === null ? {} : { name }) };
}
