import { type ConsoleProtocol, type Grant, toGranted } from "#wire/grant.ts";
import { ALL_RIGHTS, VIEW_ONLY } from "#wire/rights.ts";
import { reopenCredential } from "../consoles/reopen-credential.ts";
import type { JudgeStanding } from "../consoles/standing.ts";
import type { Leases } from "../hypervisors/leases.ts";
import { type Drivers, driverOf, toDriverMachine } from "../machines/driver-machine.ts";
import { takesOrders } from "../machines/power.ts";
import { type Credential, credentialOf } from "../vault/credential.ts";
import type { InstallationKey } from "../vault/installation-key.ts";
import { deriveKey, type Vault } from "../vault/vault.ts";
import type { ClaimUpstream } from "./upstream-claims.ts";

interface Parts {
  readonly vault: Vault;
  readonly drivers: Drivers;
  readonly leases: Pick<Leases, "lend">;
  readonly judgeStanding: JudgeStanding;
  readonly claimUpstream: ClaimUpstream;
}

/** Which session is granted, as its row has it. */
interface Granted {
  readonly account_id: string;
  readonly machine_id: string;
  readonly project_id: string;
  readonly view_only: 0 | 1;
  readonly protocol: ConsoleProtocol;
}

interface Attached {
  readonly sessionId: string;
  readonly attachment: number;
  readonly reopen: Credential;
}

/**
 * Judges a session's right and its machine as they are now, and makes its grant. Throws the error that the viewer is to
 * be told.
 */
export type MakeGrant = (session: Granted, attached: Attached) => Promise<Grant>;

export function createGrants({ vault, drivers, leases, judgeStanding, claimUpstream }: Parts): MakeGrant {
  return async (session, { sessionId, attachment, reopen }) => {
    const { account, machine } = await judgeStanding(session);
    const driver = driverOf(drivers, machine.driver);
    const upstream = await leases.lend(driver, toDriverMachine(machine, vault, session.protocol), sessionId);
    await claimUpstream(sessionId, machine, upstream);
    return {
      sessionId,
      attachment,
      machine: { id: machine.id, name: machine.name },
      protocol: session.protocol,
      upstream: toGranted(upstream),
      rights: session.view_only === 1 ? VIEW_ONLY : ALL_RIGHTS,
      ...(session.view_only === 0 && takesOrders(machine) ? { takesOrders: true } : {}),
      account: account.name,
      reopen: reopenCredential(sessionId, reopen.value),
      ...(machine.hypervisor_id === null ? {} : { askWhy: true }),
    };
  };
}

/**
 * What the viewer of an attachment opens its console again with. The same whenever it is asked for: a grant that is made
 * twice, since nobody heard the first answer or a node was given it ahead, is the same grant.
 */
export type ReopenCredentialOf = (sessionId: string, attachment: number) => Credential;

export function createReopenCredentials(key: InstallationKey, installationId: string): ReopenCredentialOf {
  return (sessionId, attachment) => {
    const info = ["porthole", "reopen", sessionId, String(attachment)];
    return credentialOf(deriveKey(key, { salt: installationId, info }));
  };
}
