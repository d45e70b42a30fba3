import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import type { PowerRequest } from "#wire/link-power.ts";
import type { Actor, Audit } from "../audit/audit.ts";
import type { JudgeStanding } from "../consoles/standing.ts";
import type { DriverPool } from "../hypervisors/driver-pool.ts";
import type { WhereIs } from "../hypervisors/whereabouts.ts";
import { orderPower } from "../machines/power.ts";
import { INTEGER, prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";

interface Parts {
  readonly store: Store;
  readonly audit: Audit;
  readonly driverPool: Pick<DriverPool, "order">;
  readonly whereIs: WhereIs;
  readonly judgeStanding: JudgeStanding;
}

/** Gives a viewer's order to its machine's hypervisor. Throws the error that the viewer is to be told. */
export type PowerOf = (nodeId: string, request: PowerRequest) => Promise<void>;

/**
 * What a viewer may do is judged at this moment, for the account that opened the console, and by the session's own row: a node that
 * asks for another one's session, or for one that may only look, is refused.
 */
export function createSessionPower({ judgeStanding, ...parts }: Parts): PowerOf {
  const { store, audit } = parts;
  const find = prepareFind(store);

  return async (nodeId, { incarnation, sessionId, attachment, action }) => {
    const [session] = await find(store.db, { sessionId, nodeId, incarnation, attachment });
    const by: Actor =
      session === undefined
        ? { nodeId, api: "link" }
        : {
            ...{ accountId: session.account_id, name: session.account_name, nodeId },
            ...{ address: session.viewer_address ?? undefined, api: session.api },
          };
    try {
      if (session === undefined) throw new GatewayError("session_ended");
      if (session.view_only === 1) throw new GatewayError("forbidden");
      const { machine } = await judgeStanding(session);
      await orderPower(parts, { by, machine, action, sessionId });
    } catch (thrown) {
      const error = toGatewayError(thrown);
      const { detail } = error;
      const of =
        session === undefined
          ? {}
          : {
              object: { kind: "machine", id: session.machine_id, name: session.machine_name } as const,
              sessionId,
            };
      await audit.recordRefusal({ action: `machine.${action}`, by, detail, ...of }, error);
      throw thrown;
    }
  };
}

/** Whose console is open. That it is, its node may have yet to report. */
function prepareFind(store: Store) {
  const kinds = { sessionId: TEXT, nodeId: TEXT, incarnation: TEXT, attachment: INTEGER };
  return prepare(store, kinds, (query, { sessionId, nodeId, incarnation, attachment }) =>
    query
      .selectFrom("sessions")
      .select(["account_id", "account_name", "machine_id", "machine_name", "project_id"])
      .select(["view_only", "viewer_address", "api"])
      .where("id", "=", sessionId)
      .where("node_id", "=", nodeId)
      .where("incarnation", "=", incarnation)
      .where("attachment", "=", attachment)
      .where("purpose", "=", "console")
      .where("redeemed_at", "is not", null)
      .where("state", "in", ["pending", "active", "detached"]),
  );
}
