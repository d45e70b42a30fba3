import { canonicalAddress } from "#wire/address.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import type { ReopenRequest } from "#wire/link.ts";
import type { Audit, AuditEntry } from "../audit/audit.ts";
import { type Drivers, driverOf, toDriverMachine } from "../machines/driver-machine.ts";
import type { SettingValues } from "../settings/settings.ts";
import { INTEGER, prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import type { Vault } from "../vault/vault.ts";
import { readReopenCredential } from "./reopen-credential.ts";
import { requireConsole } from "./running.ts";
import type { JudgeStanding } from "./standing.ts";
import type { IssueTicket } from "./ticket-issue.ts";

interface Parts {
  readonly store: Store;
  readonly audit: Audit;
  readonly vault: Vault;
  readonly drivers: Drivers;
  readonly values: SettingValues;
  readonly judgeStanding: JudgeStanding;
  readonly issueTicket: IssueTicket;
}

/** Resolves to the page with a new ticket. */
export type Reopen = (
  request: Pick<ReopenRequest, "credential" | "viewerAddress">,
) => Promise<{ readonly url: string }>;

/**
 * Opens a console again for the viewer that had it, by the credential that its node gave it. Rights are judged anew
 * for the account that opened it first, and the new console is view-only, and bound to an address, as the first one
 * was. The extra token is not asked for again: who holds the credential brought it to the first ticket.
 *
 * The credential is spent in the transaction that writes the new session, so a refusal that may pass (machine
 * stopped, no node) leaves it good, and of two requests at once one gets a console.
 */
export function createReopen(parts: Parts): Reopen {
  const { store, audit, vault, drivers, values, judgeStanding, issueTicket } = parts;
  const find = prepareFind(store);
  const spend = prepareSpend(store);

  return async ({ credential, viewerAddress }) => {
    const shown = readReopenCredential(credential);
    const address = canonicalAddress(viewerAddress) ?? viewerAddress;
    const timeoutMs = values.value("console.reopen.timeout");
    const [session] = shown === undefined ? [] : await find(store.db, { ...shown, timeoutMs });
    try {
      return await reopen(shown, session, address);
    } catch (thrown) {
      await audit.recordRefusal(refusedEntry(shown, session, address), toGatewayError(thrown));
      throw thrown;
    }
  };

  async function reopen(shown: Shown, session: Session | undefined, address: string) {
    if (shown === undefined || session === undefined) throw new GatewayError("reopen_invalid");
    if (session.bound_address !== null && session.bound_address !== address)
      throw new GatewayError("caller_address_mismatch");
    const { account, machine } = await judgeStanding(session);
    const { isExclusive } = await requireConsole(
      driverOf(drivers, machine.driver),
      toDriverMachine(machine, vault, session.protocol),
    );

    const { url } = await issueTicket({
      account,
      apiKey: session.api_key ?? undefined,
      machine,
      protocol: session.protocol,
      isExclusive,
      api: session.api,
      purpose: "console",
      action: "console.reopen",
      viewOnly: session.view_only === 1,
      boundAddress: session.bound_address ?? undefined,
      creatorAddress: address,
      spend: async (db) => {
        const spent = await spend(db, shown);
        if (spent.length === 0) throw new GatewayError("reopen_invalid");
      },
    });
    return { url };
  }
}

/** A session that the credential does not fit is not named: whoever holds it may have made it up. */
function refusedEntry(shown: Shown, session: Session | undefined, address: string): AuditEntry {
  if (session === undefined) return { action: "console.reopen", by: { address, api: "link" } };
  return {
    action: "console.reopen",
    by: { accountId: session.account_id, name: session.account_name, address, api: session.api },
    object: { kind: "machine", id: session.machine_id, name: session.machine_name },
    sessionId: shown?.sessionId,
  };
}

type Shown = ReturnType<typeof readReopenCredential>;
type Session = Awaited<ReturnType<ReturnType<typeof prepareFind>>>[number];

/** Good while the session lives, and for a time after its end. */
function prepareFind(store: Store) {
  const kinds = { sessionId: TEXT, hash: TEXT, timeoutMs: INTEGER };
  return prepare(store, kinds, (query, { sessionId, hash, timeoutMs }) =>
    query
      .selectFrom("sessions")
      .select(["account_id", "machine_id", "project_id", "api", "api_key", "view_only", "bound_address"])
      .select(["account_name", "machine_name", "protocol"])
      .where("id", "=", sessionId)
      .where("reopen_hash", "=", hash)
      .where((where) =>
        where.or([where("ended_at", "is", null), where("ended_at", ">", where(store.now, "-", timeoutMs))]),
      ),
  );
}

function prepareSpend(store: Store) {
  return prepare(store, { sessionId: TEXT, hash: TEXT }, (query, { sessionId, hash }) =>
    query
      .updateTable("sessions")
      .set({ reopen_hash: null })
      .where("id", "=", sessionId)
      .where("reopen_hash", "=", hash)
      .returning("id"),
  );
}
