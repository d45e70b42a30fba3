import type { Selectable } from "kysely";
import type { DriverTls } from "#hypervisors/driver.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Hypervisor } from "#wire/hypervisors.ts";
import type { NewMachineTls } from "#wire/machine-security.ts";
import { readMachineTls, tlsOnRecord } from "../machines/machine-tls.ts";
import type { Schema } from "../store/schema.ts";
import type { Queries } from "../store/store.ts";
import type { Place, Vault } from "../vault/vault.ts";
import type { KeptCredentials } from "./platform-driver.ts";

export type HypervisorRow = Selectable<Schema["hypervisors"]>;

/** What there is to know of a hypervisor for who writes down its machines. */
export type MachineHost = Pick<HypervisorRow, "id" | "name" | "platform">;

export async function findHypervisor(db: Queries, id: string): Promise<HypervisorRow | undefined> {
  return await db.selectFrom("hypervisors").selectAll().where("id", "=", id).executeTakeFirst();
}

/** How a hypervisor is reached, and what its consoles are. */
export type HypervisorWay = Pick<
  Hypervisor,
  "platform" | "address" | "readOnly" | "sessionPasswords" | "serialStreams" | "consoles"
>;

/** What a driver is made of, beside what opens the hypervisor. */
export function toPlatform({
  platform,
  address,
  is_read_only: readOnly,
  has_session_passwords: sessionPasswords,
  has_serial_streams: serialStreams,
  consoles,
}: HypervisorRow): HypervisorWay {
  return {
    ...{ platform, address, readOnly: readOnly === 1, sessionPasswords: sessionPasswords === 1 },
    serialStreams: serialStreams === 1,
    ...(platform === "vsphere" ? { consoles: consoles ?? "webmks" } : {}),
  };
}

export const ACCESS_COLUMNS = [
  "platform",
  "address",
  "credentials_sealed",
  "is_read_only",
  "has_serial_streams",
  "consoles",
] as const;

/** All that a driver is made of: where it differs, the driver is another one. */
export function accessOf({
  platform,
  address,
  credentials_sealed,
  is_read_only,
  has_serial_streams,
  consoles,
}: Pick<HypervisorRow, (typeof ACCESS_COLUMNS)[number]>): string {
  return JSON.stringify([platform, address, credentials_sealed, is_read_only, has_serial_streams, consoles]);
}

export function openCredentials(row: HypervisorRow, vault: Vault): KeptCredentials {
  return JSON.parse(vault.open(row.credentials_sealed, credentialsPlace(row.id)).expose());
}

type ConsoleColumns = Pick<HypervisorRow, "console_tls" | "console_key_sealed">;

/** The others say by themselves whose certificates their consoles have. */
const CONSOLES_BY_TLS: ReadonlySet<Hypervisor["platform"]> = new Set(["libvirt", "xenserver", "command"]);

/** The columns of how the consoles of its machines are reached. Throws `request_invalid`. */
export function consoleColumns(
  tls: NewMachineTls | null,
  { id, platform, vault }: Pick<HypervisorRow, "id" | "platform"> & { readonly vault: Vault },
): ConsoleColumns {
  if (tls === null) return { console_tls: null, console_key_sealed: null };
  if (!CONSOLES_BY_TLS.has(platform))
    throw new GatewayError("request_invalid", {
      detail: `consoleTls: of ${platform} the platform itself says whose certificates its consoles have`,
    });
  const { tls: kept, clientKey } = readMachineTls(tls);
  const sealed = clientKey === undefined ? null : vault.seal(clientKey, consoleKeyPlace(id));
  return { console_tls: JSON.stringify(kept), console_key_sealed: sealed };
}

/** How the consoles of its machines are reached, for its driver. */
export function openConsoleTls(
  { id, console_tls: tls, console_key_sealed: sealed }: ConsoleColumns & Pick<HypervisorRow, "id">,
  vault: Vault,
): DriverTls | undefined {
  if (tls === null) return undefined;
  const clientKey = sealed === null ? undefined : vault.open(sealed, consoleKeyPlace(id));
  return { ...tlsOnRecord(tls), clientKey };
}

function consoleKeyPlace(id: string): Place {
  return { table: "hypervisors", row: id, column: "console_key_sealed" };
}

/** Where what opens a hypervisor is sealed for. */
export function credentialsPlace(id: string): Place {
  return { table: "hypervisors", row: id, column: "credentials_sealed" };
}
