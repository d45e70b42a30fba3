import { canonicalAddress } from "#wire/address.ts";
import { isErrorCode } from "#wire/errors.ts";
import type { TicketRefusal } from "#wire/link-refusals.ts";
import type { Audit } from "../audit/audit.ts";
import { prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import { redeemed } from "./redemption.ts";

/** Takes a node's word for whom it has refused by itself. */
export type NoteRefusals = (nodeId: string, refusals: readonly TicketRefusal[]) => Promise<void>;

/**
 * Most tickets that open nothing are seen through by the node alone: used, over, another's extra token or address. The
 * audit log tells of them like of those that control refuses, within the same bounds. A node tells of what its
 * sessions are only: of others there is its word, and no account.
 */
export function createNodeRefusals({
  store,
  audit,
}: {
  readonly store: Store;
  readonly audit: Audit;
}): NoteRefusals {
  const find = prepare(store, { id: TEXT, nodeId: TEXT }, (db, { id, nodeId }) =>
    db
      .selectFrom("sessions")
      .select(["account_id", "account_name", "machine_id", "machine_name", "api"])
      .where("id", "=", id)
      .where("node_id", "=", nodeId),
  );

  return async (nodeId, refusals) => {
    for (const { sessionId, code, viewerAddress, at } of refusals) {
      // Of a newer node.
      if (!isErrorCode(code)) continue;
      const [session] = await find(store.db, { id: sessionId, nodeId });
      const viewer = canonicalAddress(viewerAddress) ?? viewerAddress;
      const entry = redeemed(sessionId, nodeId, { ...session, viewer_address: viewer });
      await audit.recordRefusal({ ...entry, detail: `by the node, ${timeOf(at)}` }, { code });
    }
  };
}

/** A node may say anything. */
function timeOf(at: number): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? "at no time that there is" : time.toISOString();
}
