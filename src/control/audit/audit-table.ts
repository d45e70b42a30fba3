import type { AuditAction, AuditApi, AuditObjectKind } from "#wire/audit.ts";
import type { ErrorCode } from "#wire/errors.ts";

/**
 * Who did what, from where, and what came of it. Rows are added, and the oldest forgotten by the sweep; a trigger of
 * the database refuses to change one. `id` is ordered by time, so that it is the order of every list.
 */
export interface AuditTable {
  id: string;
  at: number;
  action: AuditAction;
  result: AuditResult;
  account_id: string | null;
  account_name: string | null;
  api_key: string | null;
  node_id: string | null;
  address: string | null;
  api: AuditApi | null;
  object_kind: AuditObjectKind | null;
  object_id: string | null;
  object_name: string | null;
  session_id: string | null;
  reference: string | null;
  detail: string | null;
}

export type AuditResult = "ok" | ErrorCode;
