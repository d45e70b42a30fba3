import { canonicalAddress } from "#wire/address.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import type { Grant } from "#wire/grant.ts";
import type { RedeemRequest } from "#wire/link.ts";
import type { Audit, AuditEntry } from "../audit/audit.ts";
import type { Pacing } from "../machines/pacing.ts";
import type { ApiName, TicketPurpose } from "../services.ts";
import { endSession } from "../sessions/endings.ts";
import { INTEGER, nullable, of, prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import type { MakeGrant, ReopenCredentialOf } from "./grants.ts";

interface Parts {
  readonly store: Store;
  readonly audit: Audit;
  readonly makeGrant: MakeGrant;
  readonly reopenOf: ReopenCredentialOf;
  readonly pacing: Pick<Pacing, "admit">;
}

/** Turns a ticket, which its node opened, into the grant, once. Throws the error that the viewer is to be told. */
export type Redeem = (nodeId: string, request: RedeemRequest) => Promise<Grant>;

/**
 * INVARIANT: a ticket is redeemed at most once, by the start of the node that it was issued for. One conditional
 * update decides, by the database's clock, and is on disk before anything is answered. A question that is asked again
 * with its nonce, since its answer was lost, is not another redemption.
 *
 * After it the world is judged as it is now: the account's right, the machine, where its console is. What is
 * refused then is refused for good: the ticket is spent, and the session ends with the reason.
 */
export function createRedemption({ store, audit, makeGrant, reopenOf, pacing }: Parts): Redeem {
  const take = prepareTake(store, "first");
  const takeAgain = prepareTake(store, "again");
  const explain = prepareExplain(store);

  return async (nodeId, { incarnation, sessionId, attachment, viewerAddress, ...request }) => {
    const reopen = reopenOf(sessionId, attachment);
    const viewer = canonicalAddress(viewerAddress) ?? viewerAddress;
    const nonce = request.nonce ?? null;
    const key = { id: sessionId, nodeId, incarnation, attachment, viewer, nonce };
    // Nobody comes back to a picture.
    const purpose: TicketPurpose = request.purpose ?? "console";
    const reopenHash = purpose === "console" ? reopen.hash : null;
    const first = await store.db.transaction().execute(async (db) => {
      const [taken] = await take(db, { ...key, purpose, reopenHash });
      if (taken?.purpose === "console") await audit.record(db, redeemed(sessionId, nodeId, taken));
      return taken;
    });
    const isRepeatable = first === undefined && nonce !== null;
    const [again] = isRepeatable ? await takeAgain(store.db, { ...key, purpose, reopenHash }) : [];
    const session = first ?? again;
    if (session === undefined) {
      const [row] = await explain(store.db, { id: sessionId });
      const refused = new GatewayError(refusal(row, { ...key, purpose }));
      await audit.recordRefusal(redeemed(sessionId, nodeId, { ...row, viewer_address: viewer }), refused);
      throw refused;
    }

    try {
      await pacing.admit({ sessionId, machineId: session.machine_id });
      return await makeGrant(session, { sessionId, attachment, reopen });
    } catch (cause) {
      const error = toGatewayError(cause);
      const { code, detail } = error;
      const kind = OURS.has(code) ? "failed" : "refused";
      const ending = { kind, code, ...(detail === undefined ? {} : { detail }) } as const;
      await endSession({ store, audit }, sessionId, ending);
      throw error;
    }
  };
}

/** Nobody said no: it could not be told. */
const OURS: ReadonlySet<ErrorCode> = new Set(["internal", "database_unavailable", "control_unreachable"]);

/** For the first time, or once more for the same question, whose answer was lost: that is the same redemption. */
function prepareTake(store: Store, which: "first" | "again") {
  const { now } = store;
  const kinds = {
    id: TEXT,
    nodeId: TEXT,
    incarnation: TEXT,
    attachment: INTEGER,
    viewer: TEXT,
    purpose: of<TicketPurpose>(),
    reopenHash: nullable(TEXT),
    nonce: nullable(TEXT),
  };
  return prepare(store, kinds, (query, values) =>
    query
      .updateTable("sessions")
      .set({
        redeemed_at: now,
        viewer_address: values.viewer,
        reopen_hash: values.reopenHash,
        redemption_nonce: values.nonce,
      })
      .where("id", "=", values.id)
      .where("state", "=", "pending")
      .$if(which === "first", (first) =>
        first.where("redeemed_at", "is", null).where("ticket_expires_at", ">", now),
      )
      .$if(which === "again", (again) => again.where("redemption_nonce", "=", values.nonce))
      .where("node_id", "=", values.nodeId)
      .where("incarnation", "=", values.incarnation)
      .where("attachment", "=", values.attachment)
      .where("purpose", "=", values.purpose)
      // The node compares it first; a node that does not is no way around it.
      .where((where) =>
        where.or([where("bound_address", "is", null), where("bound_address", "=", values.viewer)]),
      )
      .returning(["account_id", "machine_id", "project_id", "view_only", "protocol"])
      .returning(["account_name", "machine_name", "viewer_address", "api", "purpose"]),
  );
}

function prepareExplain(store: Store) {
  return prepare(store, { id: TEXT }, (query, { id }) =>
    query
      .selectFrom("sessions")
      .select(["node_id", "incarnation", "attachment", "state", "redeemed_at", "bound_address", "purpose"])
      .select("redemption_nonce")
      .select(["ending_kind", "ending_code", "ticket_expires_at"])
      .select(["account_id", "account_name", "machine_id", "machine_name", "api"])
      .select(store.now.as("now"))
      .where("id", "=", id),
  );
}

/** As the audit log tells it. What is refused after it is the end of the session, and told there. */
export function redeemed(sessionId: string, nodeId: string, row: Told): AuditEntry {
  const { account_id: accountId, account_name: name, viewer_address: address, api } = row;
  return {
    action: "console.redeem",
    by: { accountId, name, nodeId, address: address ?? undefined, api: api ?? "link" },
    object: { kind: "machine", id: row.machine_id, name: row.machine_name },
    sessionId,
  };
}

/** What there is to tell of a session; nothing of one that there is not. */
interface Told {
  readonly account_id?: string;
  readonly account_name?: string;
  readonly machine_id?: string;
  readonly machine_name?: string;
  readonly api?: ApiName;
  readonly viewer_address: string | null;
}

type Explained = Awaited<ReturnType<ReturnType<typeof prepareExplain>>>[number];

/** Why the update found nothing to update, for the person who holds the link. */
function refusal(
  row: Explained | undefined,
  key: {
    nodeId: string;
    incarnation: string;
    attachment: number;
    purpose: TicketPurpose;
    nonce: string | null;
  },
): ErrorCode {
  if (row === undefined) return "ticket_foreign";
  if (row.node_id !== key.nodeId || row.incarnation !== key.incarnation) return "ticket_foreign";
  // The same question once more, whose first answer was no.
  if (key.nonce !== null && row.redemption_nonce === key.nonce && row.ending_code !== null)
    return row.ending_code;
  if (row.redeemed_at !== null || row.attachment !== key.attachment) return "ticket_used";
  if (row.ticket_expires_at <= row.now) return "ticket_expired";
  if (row.purpose !== key.purpose) return "ticket_invalid";
  if (row.state !== "pending") return row.ending_code ?? "ticket_expired";
  return "caller_address_mismatch";
}
