import { type Grant, toGranted } from "#wire/grant.ts";
import { ALL_RIGHTS, VIEW_ONLY } from "#wire/rights.ts";
import { reopenCredential } from "../consoles/reopen-credential.ts";
import type { JudgeStanding } from "../consoles/standing.ts";
import { type Drivers, driverOf, toDriverMachine } from "../machines/driver-machine.ts";
import { type Credential, credentialOf } from "../vault/credential.ts";
import type { InstallationKey } from "../vault/installation-key.ts";
import { deriveKey, type Vault } from "../vault/vault.ts";

interface Parts {
  readonly vault: Vault;
  readonly drivers: Drivers;
  readonly judgeStanding: JudgeStanding;
}

/** Which session is granted, as its row has it. */
interface Granted {
  readonly account_id: string;
  readonly machine_id: string;
  readonly project_id: string;
  readonly view_only: 0 | 1;
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

export function createGrants({ vault, drivers, judgeStanding }: Parts): MakeGrant {
  return async (session, { sessionId, attachment, reopen }) => {
    const { machine } = await judgeStanding(session);
    const upstream = await driverOf(drivers, machine.driver).resolve(toDriverMachine(machine, vault));
    return {
      sessionId,
      attachment,
      machine: { id: machine.id, name: machine.name },
      protocol: machine.protocol,
      upstream: toGranted(upstream),
      rights: session.view_only === 1 ? VIEW_ONLY : ALL_RIGHTS,
      reopen: reopenCredential(sessionId, reopen.value),
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
