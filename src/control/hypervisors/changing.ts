import { randomBytes } from "node:crypto";
import { createSecureContext } from "node:tls";
import { Secret } from "#base/secret.ts";
import type { CommandPlace } from "#hypervisors/command/place.ts";
import { pemBlocks } from "#tls/certificate/pem.ts";
import { DEFAULT_POOL } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { ChangedCredentials, ConsoleWay, HypervisorChange } from "#wire/hypervisors.ts";
import { cleanName, nameKey } from "../names.ts";
import type { Vault } from "../vault/vault.ts";
import {
  accessOf,
  consoleColumns,
  credentialsPlace,
  type HypervisorRow,
  type HypervisorWay,
  openCredentials,
} from "./hypervisor-row.ts";
import { createPlatformDriver, type KeptCredentials } from "./platform-driver.ts";

/** How a hypervisor is reached that was not tried yet. */
export const NOT_TRIED = { state: null, state_since: null, problem: null } as const;

type Change = Omit<HypervisorChange, "rules">;

interface Parts {
  readonly vault: Vault;
  readonly commands: CommandPlace;
}

/**
 * The columns that a change means, of the hypervisor as it was. One that is reached in another way from now on was not tried yet;
 * whose machines are on record stays what it was, so that another one that answers is noticed. Throws `request_invalid`.
 */
export async function changedColumns(
  { name, pool, consoleTls, ...change }: Change,
  row: HypervisorRow,
  parts: Parts,
): Promise<Partial<HypervisorRow>> {
  return {
    ...(name === undefined ? {} : nameColumns(name)),
    ...(pool === undefined ? {} : { pool }),
    ...(consoleTls === undefined ? {} : consoleColumns(consoleTls, { ...row, vault: parts.vault })),
    ...(Object.keys(change).length === 0 ? {} : await wayColumns(change, row, parts)),
  };
}

async function wayColumns(
  { address, readOnly, sessionPasswords, serialStreams, consoles, credentials }: Change,
  row: HypervisorRow,
  { vault, commands }: Parts,
): Promise<Partial<HypervisorRow>> {
  const way = {
    platform: row.platform,
    address: address ?? row.address,
    readOnly: readOnly ?? row.is_read_only === 1,
    sessionPasswords: sessionPasswords ?? row.has_session_passwords === 1,
    serialStreams: serialStreams ?? row.has_serial_streams === 1,
    consoles: consoles ?? row.consoles ?? undefined,
  };
  const before = openCredentials(row, vault);
  const kept = withSessionKey(withChanges(before, credentials), way);
  await requireUsable(way, kept, commands);
  const access = {
    platform: row.platform,
    address: way.address,
    is_read_only: way.readOnly ? 1 : 0,
    has_serial_streams: way.serialStreams ? (1 as const) : (0 as const),
    consoles: way.consoles ?? null,
    // What is sealed anew looks different each time.
    credentials_sealed:
      JSON.stringify(kept) === JSON.stringify(before)
        ? row.credentials_sealed
        : sealCredentials(kept, { id: row.id, vault }),
  };
  return {
    ...(accessOf(access) === accessOf(row) ? {} : { ...access, ...NOT_TRIED }),
    has_session_passwords: way.sessionPasswords ? 1 : 0,
  };
}

export function nameColumns(name: string): Pick<HypervisorRow, "name" | "name_key"> {
  const clean = cleanName(name);
  return { name: clean, name_key: nameKey(clean) };
}

export function sealCredentials(
  kept: KeptCredentials,
  { id, vault }: { readonly id: string; readonly vault: Vault },
): string {
  return vault.seal(new Secret(JSON.stringify(kept)), credentialsPlace(id));
}

type Way = Omit<HypervisorWay, "consoles"> & {
  readonly consoles: ConsoleWay | undefined;
};

/** With a key for its consoles' passwords where each has one of its own, and without it where none has. Throws `request_invalid`. */
export function withSessionKey(
  { sessionPasswordKey, ...credentials }: KeptCredentials,
  { platform, readOnly, sessionPasswords }: Way,
): KeptCredentials {
  if (!sessionPasswords) return credentials;
  if (platform !== "libvirt")
    throw new GatewayError("request_invalid", {
      detail: `sessionPasswords: of ${platform} the platform itself says which password a console has`,
    });
  if (readOnly)
    throw new GatewayError("request_invalid", {
      detail: "sessionPasswords: over a connection that is read-only no password can be set",
    });
  return { ...credentials, sessionPasswordKey: sessionPasswordKey ?? randomBytes(32).toString("base64url") };
}

/** Throws `request_invalid` where nothing can be done with it, though nobody is asked. */
export async function requireUsable(
  hypervisor: Way,
  credentials: KeptCredentials,
  commands: CommandPlace,
): Promise<void> {
  refuseConsoles(hypervisor);
  refuseStreams(hypervisor);
  try {
    const { consoles, ...rest } = hypervisor;
    const way = { ...rest, ...(consoles === undefined ? {} : { consoles }) };
    await createPlatformDriver(way, credentials, { commands })[Symbol.asyncDispose]();
  } catch (cause) {
    const detail = `address: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new GatewayError("request_invalid", { cause, detail });
  }
  // Behind the address, which says what is needed at all.
  if (hypervisor.platform !== "command") requireReadable(credentials);
}

function refuseConsoles({ platform, readOnly, consoles }: Way): void {
  if (consoles === undefined) return;
  if (platform !== "vsphere")
    throw new GatewayError("request_invalid", {
      detail: `consoles: of ${platform} there is one way to a console; vSphere alone has several`,
    });
  if (readOnly && consoles !== "webmks")
    throw new GatewayError("request_invalid", {
      detail:
        "consoles: over a connection that is read-only no port and no password of VNC can be set; webmks is what needs neither",
    });
}

function refuseStreams({ platform, address, readOnly, serialStreams }: Way): void {
  if (!serialStreams) return;
  const because = (detail: string) =>
    new GatewayError("request_invalid", { detail: `serialStreams: ${detail}` });
  if (platform !== "libvirt")
    throw because(`nodes sign in to a libvirt for serial lines, and not to ${platform}`);
  if (readOnly) throw because("over a connection that is read-only libvirt opens no serial line");
  if (/^[a-z]+\+ssh:/.test(address))
    throw because("nodes sign in to a libvirt at its socket or by TLS, and not by SSH");
}

/** A certificate that was changed without its key would be found out only when somebody wants a console. */
function requireReadable({
  caCertificate: ca,
  clientCertificate: cert,
  clientKey: key,
}: KeptCredentials): void {
  if ((cert === undefined) !== (key === undefined))
    throw new GatewayError("request_invalid", {
      detail: "credentials: a client certificate and its key go together",
    });
  try {
    // Node passes over an authority that is no certificate, and trusts nobody then.
    if (ca !== undefined && pemBlocks(ca).length === 0) throw new Error("the authority is not PEM");
    createSecureContext({ ca, cert, key });
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    const detail = `credentials: what there is for TLS cannot be used: ${said}`;
    throw new GatewayError("request_invalid", { cause, detail });
  }
}

function withChanges(before: KeptCredentials, changes: ChangedCredentials = {}): KeptCredentials {
  const all = Object.entries({ ...before, ...changes }).filter(([, value]) => value !== null);
  return Object.fromEntries(all);
}

/** What of a new one is otherwise than it is where nothing is said, in the words of a change. */
export function choicesInWords({
  readOnly,
  sessionPasswords,
  serialStreams,
  consoles,
  pool,
  consoleTls,
}: Change): readonly string[] {
  return changeInWords({
    ...(readOnly === true ? { readOnly } : {}),
    ...(sessionPasswords === true ? { sessionPasswords } : {}),
    ...(serialStreams === true ? { serialStreams } : {}),
    ...(consoles === undefined ? {} : { consoles }),
    ...(pool === undefined || pool === DEFAULT_POOL ? {} : { pool }),
    ...(consoleTls === undefined || consoleTls === null ? {} : { consoleTls }),
  });
}

/** What of it was changed, for the audit log: the values of what is no secret. */
export function changeInWords(change: Change): readonly string[] {
  const {
    name,
    address,
    readOnly,
    sessionPasswords,
    serialStreams,
    consoles,
    credentials = {},
    pool,
    consoleTls,
  } = change;
  return [
    ...(name === undefined ? [] : ["name"]),
    ...(address === undefined ? [] : ["address", address]),
    ...(Object.keys(credentials).length === 0 ? [] : ["credentials", ...Object.keys(credentials)]),
    ...(readOnly === undefined ? [] : ["readOnly", String(readOnly)]),
    ...(sessionPasswords === undefined ? [] : ["sessionPasswords", String(sessionPasswords)]),
    ...(serialStreams === undefined ? [] : ["serialStreams", String(serialStreams)]),
    ...(consoles === undefined ? [] : ["consoles", consoles]),
    ...(pool === undefined ? [] : ["pool", pool]),
    ...(consoleTls === undefined ? [] : ["consoleTls", consoleTls?.mode ?? "none"]),
  ];
}
