import type { Generated } from "kysely";
import type { SessionState } from "#wire/api.ts";
import type { ErrorCode } from "#wire/errors.ts";
import type { ConsoleProtocol } from "#wire/grant.ts";
import type { UpstreamStep } from "#wire/upstream-step.ts";
import type { EndingKind } from "#wire/viewer.ts";
import type { ApiName, TicketPurpose } from "../services.ts";

/**
 * Names are copied, and nothing refers to accounts or machines by constraint: a session outlives both. `id` is
 * ordered by time, so that it is the order of every list.
 */
export interface SessionTable {
  id: string;
  account_id: string;
  account_name: string;
  project_id: string;
  machine_id: string;
  machine_name: string;
  protocol: ConsoleProtocol;
  api: ApiName;
  view_only: 0 | 1;
  purpose: TicketPurpose;
  node_id: string;
  /** The start of the node that the ticket was issued for. */
  incarnation: string;
  attachment: number;
  /**
   * Which of its node's places it has, from 0: no two sessions that live have the same. Null where a version before
   * places issued it.
   */
  place: Generated<number | null>;
  state: SessionState;
  created_at: number;
  ticket_expires_at: number;
  redeemed_at: number | null;
  ended_at: number | null;
  creator_address: string;
  /** The only address that its viewer may come from. */
  bound_address: string | null;
  viewer_address: string | null;
  /** Of the question that redeemed it, so that the same one is answered alike when it is asked again. */
  redemption_nonce: string | null;
  /** The API key that it was opened with; null where it was a cookie. */
  api_key: string | null;
  /** What became of the grant that its node is given ahead: see tickets/offline-grants.ts. Null: none. */
  offline_grant: OfflineGrant | null;
  /** Where its console is, of a hypervisor's machine: see tickets/upstream-claims.ts. Null: of any other, or not redeemed. */
  upstream_claim: Generated<string | null>;
  /**
   * Since when it tries a password of which nobody knows whether it is right: see machines/pacing.ts. Null: it does not, or has
   * opened; 0: it tried one that is not on record any more.
   */
  trying_since: Generated<number | null>;
  /** Null before redemption, and again when it was spent. */
  reopen_hash: string | null;
  ending_kind: EndingKind | null;
  ending_code: ErrorCode | null;
  ending_detail: string | null;
  /** Null too where a node of a version before did not say. */
  ending_step: Generated<UpstreamStep | null>;
  bytes_to_viewer: number;
  bytes_from_viewer: number;
}

/** 1: the node is to have it; 2: it has. */
export type OfflineGrant = 1 | 2;
