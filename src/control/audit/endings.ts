import type { AuditApi } from "#wire/audit.ts";
import type { ErrorCode } from "#wire/errors.ts";
import type { EndingKind } from "#wire/viewer.ts";
import type { TicketPurpose } from "../services.ts";
import type { AuditEntry } from "./audit.ts";
import type { AuditResult } from "./audit-table.ts";

/** What a statement that ends sessions returns of each. */
export const ENDED = [
  "id",
  "account_id",
  "account_name",
  "machine_id",
  "machine_name",
  "node_id",
  "api",
  "purpose",
  "viewer_address",
  "ending_kind",
  "ending_code",
  "ending_detail",
] as const;

export interface EndedSession {
  readonly id: string;
  readonly account_id: string;
  readonly account_name: string;
  readonly machine_id: string;
  readonly machine_name: string;
  readonly node_id: string;
  readonly api: AuditApi;
  readonly purpose: TicketPurpose;
  readonly viewer_address: string | null;
  readonly ending_kind: EndingKind | null;
  readonly ending_code: ErrorCode | null;
  readonly ending_detail: string | null;
}

/** The end of a session, as a row tells it: `ok` where somebody closed it, which is how consoles are to end. */
export function endingEntry(row: EndedSession): AuditEntry & { readonly result: AuditResult } {
  const { ending_kind: kind, ending_code: code, ending_detail: detail } = row;
  return {
    action: "console.end",
    result: kind === "closed" || code === null ? "ok" : code,
    by: {
      accountId: row.account_id,
      name: row.account_name,
      nodeId: row.node_id,
      address: row.viewer_address ?? undefined,
      api: row.api,
    },
    object: { kind: "machine", id: row.machine_id, name: row.machine_name },
    sessionId: row.id,
    detail: kind === "closed" ? (code ?? undefined) : (detail ?? undefined),
  };
}
