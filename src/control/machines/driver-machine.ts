import type { Driver, DriverMachine } from "#hypervisors/driver.ts";
import type { MachineState } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { ConsoleProtocol } from "#wire/grant.ts";
import type { Place, Vault } from "../vault/vault.ts";
import { tlsOnRecord } from "./machine-tls.ts";

/** The drivers that control was composed with, by the name under which machines refer to them. */
export type Drivers = ReadonlyMap<string, Driver>;

/** Registered by hand: name, address and state are what the operator says. */
export const MANUAL_DRIVER = "manual";

/**
 * The same for machines that demand more than a password. It has a name of its own since an older replica, which would pass
 * over what is demanded, does not know it, and opens nothing.
 */
export const GUARDED_DRIVER = "manual-guarded";

/**
 * A machine that a hypervisor has, whatever the hypervisor's platform: its own driver is asked. Older replicas do not know the name, and
 * open nothing.
 */
export const HYPERVISOR_DRIVER = "hypervisor";

interface MachineRow {
  readonly id: string;
  readonly driver: string;
  readonly hypervisor_id: string | null;
  readonly protocol: ConsoleProtocol;
  readonly address: string;
  readonly serial_address?: string | null;
  readonly password_sealed: string | null;
  readonly username: string | null;
  readonly tls: string | null;
  readonly client_key_sealed: string | null;
  readonly state: MachineState;
}

/** Throws when the database names a driver that this version has not. */
export function driverOf(drivers: Drivers, name: string): Driver {
  const driver = drivers.get(name);
  if (driver === undefined) throw new Error(`there is no driver ${name}`);
  return driver;
}

/**
 * A machine as its driver sees it, with what is secret opened, for a console of the protocol. Throws `console_unavailable` where nothing is on
 * record of where that is.
 */
export function toDriverMachine(
  row: MachineRow,
  vault: Vault,
  protocol: ConsoleProtocol = row.protocol,
): DriverMachine {
  const { id, password_sealed: sealed, client_key_sealed: sealedKey, state } = row;
  const address = addressOf(row, protocol);
  const password = sealed === null ? undefined : vault.open(sealed, passwordPlace(id));
  const clientKey = sealedKey === null ? undefined : vault.open(sealedKey, clientKeyPlace(id));
  const tls = row.tls === null ? undefined : { ...tlsOnRecord(row.tls), clientKey };
  return {
    ...{ id, protocol, address, password, tls, state },
    username: row.username ?? undefined,
    hypervisorId: row.hypervisor_id ?? undefined,
  };
}

/** A platform is asked for all consoles by one address; of a machine that was registered by hand each has its own. */
function addressOf(row: MachineRow, protocol: ConsoleProtocol): string {
  if (row.hypervisor_id !== null || protocol === row.protocol) return row.address;
  if (protocol === "serial" && row.serial_address != null) return row.serial_address;
  throw new GatewayError("console_unavailable");
}

/** Where a machine's password is sealed for. */
export function passwordPlace(machineId: string): Place {
  return { table: "machines", row: machineId, column: "password_sealed" };
}

/** Where the key of a machine's client certificate is sealed for. */
export function clientKeyPlace(machineId: string): Place {
  return { table: "machines", row: machineId, column: "client_key_sealed" };
}
