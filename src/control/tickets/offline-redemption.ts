import { canonicalAddress } from "#wire/address.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { toGatewayError } from "#wire/gateway-error.ts";
import type { SessionReport, SessionToEnd } from "#wire/link.ts";
import type { Audit } from "../audit/audit.ts";
import type { JudgeStanding } from "../consoles/standing.ts";
import { statesBefore } from "../sessions/states.ts";
import { INTEGER, nullable, of, prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";

/** Which start of which node reports. */
interface Reporter {
  readonly nodeId: string;
  readonly incarnation: string;
}

/**
 * Takes what a node says of a ticket that it accepted while no control answered: once, however often it is said. Rights are
 * judged as they are now; where they are gone, it resolves to what the node is to be answered, and the session closes.
 */
export type TakeOfflineRedemption = (
  reporter: Reporter,
  report: SessionReport,
) => Promise<SessionToEnd | undefined>;

export function createOfflineRedemption({
  store,
  audit,
  judgeStanding,
}: {
  readonly store: Store;
  readonly audit: Audit;
  readonly judgeStanding: JudgeStanding;
}): TakeOfflineRedemption {
  const note = prepareNote(store);
  const find = prepareFind(store);
  const close = prepareClose(store);

  return async (reporter, { sessionId, attachment, redeemed, state }) => {
    if (redeemed === undefined) return undefined;
    const key = { ...reporter, id: sessionId, attachment };
    const viewer = canonicalAddress(redeemed.viewerAddress) ?? redeemed.viewerAddress;
    await store.db.transaction().execute(async (db) => {
      const [noted] = await note(db, { ...key, at: redeemed.at, viewer, nonce: redeemed.nonce });
      if (noted === undefined) return;
      const { account_id: accountId, account_name: name, machine_id, machine_name, api } = noted;
      await audit.record(db, {
        action: "console.redeem",
        by: { accountId, name, nodeId: reporter.nodeId, address: viewer, api },
        object: { kind: "machine", id: machine_id, name: machine_name },
        sessionId,
        detail: `while no control answered, at ${new Date(noted.redeemed_at ?? 0).toISOString()}`,
      });
    });
    if (state === "ended") return undefined;

    const [session] = await find(store.db, { ...key, nonce: redeemed.nonce });
    if (session === undefined || session.state === "ended") return undefined;
    if (session.state === "closing")
      return toEnd({ sessionId, attachment }, session.ending_code ?? "internal", session.ending_detail);
    try {
      await judgeStanding(session);
      return undefined;
    } catch (thrown) {
      const { code, detail = null } = toGatewayError(thrown);
      if (!WITHDRAWN.has(code)) throw thrown;
      await close(store.db, { id: sessionId, code, detail });
      return toEnd({ sessionId, attachment }, code, detail);
    }
  };
}

function toEnd(
  session: Pick<SessionToEnd, "sessionId" | "attachment">,
  code: ErrorCode,
  detail: string | null,
): SessionToEnd {
  return { ...session, code, ...(detail === null ? {} : { detail }) };
}

/** What else goes wrong is no answer yet: the node tells again. */
const WITHDRAWN: ReadonlySet<ErrorCode> = new Set(["access_withdrawn", "machine_gone"]);

const KEY = { id: TEXT, nodeId: TEXT, incarnation: TEXT, attachment: INTEGER } as const;

/** Also where the session was written down as over meanwhile: that somebody was let in is true all the same. */
function prepareNote(store: Store) {
  const { now } = store;
  return prepare(store, { ...KEY, at: INTEGER, viewer: TEXT, nonce: TEXT }, (query, values) =>
    query
      .updateTable("sessions")
      .set((set) => ({
        // The node's clock may be off: within the ticket's life, and not in the future.
        redeemed_at: set
          .case()
          .when(values.at, "<", set.ref("created_at"))
          .then(set.ref("created_at"))
          .when(values.at, ">", set.ref("ticket_expires_at"))
          .then(set.ref("ticket_expires_at"))
          .when(values.at, ">", now)
          .then(now)
          .else(values.at)
          .end(),
        viewer_address: values.viewer,
        redemption_nonce: values.nonce,
      }))
      .where("id", "=", values.id)
      .where("node_id", "=", values.nodeId)
      .where("incarnation", "=", values.incarnation)
      .where("attachment", "=", values.attachment)
      .where("offline_grant", "is not", null)
      .where("redeemed_at", "is", null)
      .returning(["account_id", "account_name", "machine_id", "machine_name", "api", "redeemed_at"]),
  );
}

function prepareFind(store: Store) {
  return prepare(store, { ...KEY, nonce: TEXT }, (query, values) =>
    query
      .selectFrom("sessions")
      .select(["state", "account_id", "machine_id", "project_id", "view_only"])
      .select(["ending_code", "ending_detail"])
      .where("id", "=", values.id)
      .where("node_id", "=", values.nodeId)
      .where("incarnation", "=", values.incarnation)
      .where("attachment", "=", values.attachment)
      .where("redemption_nonce", "=", values.nonce),
  );
}

function prepareClose(store: Store) {
  const kinds = { id: TEXT, code: of<ErrorCode>(), detail: nullable(TEXT) };
  return prepare(store, kinds, (query, values) =>
    query
      .updateTable("sessions")
      .set({
        state: "closing",
        ending_kind: "closed",
        ending_code: values.code,
        ending_detail: values.detail,
      })
      .where("id", "=", values.id)
      .where("state", "in", statesBefore("closing")),
  );
}
