import type { Driver, DriverMachine } from "#hypervisors/driver.ts";
import type { MachineState } from "#wire/api.ts";
import type { Protocol } from "#wire/grant.ts";
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

interface MachineRow {
  readonly id: string;
  readonly driver: string;
  readonly protocol: Protocol;
  readonly address: string;
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

/** A machine as its driver sees it, with what is secret opened. */
export function toDriverMachine(row: MachineRow, vault: Vault): DriverMachine {
  const { id, protocol, address, password_sealed: sealed, client_key_sealed: sealedKey, state } = row;
  const password = sealed === null ? undefined : vault.open(sealed, passwordPlace(id));
  const clientKey = sealedKey === null ? undefined : vault.open(sealedKey, clientKeyPlace(id));
  const tls = row.tls === null ? undefined : { ...tlsOnRecord(row.tls), clientKey };
  return { id, protocol, address, password, username: row.username ?? undefined, tls, state };
}

/** Where a machine's password is sealed for. */
export function passwordPlace(machineId: string): Place {
  return { table: "machines", row: machineId, column: "password_sealed" };
}

/** Where the key of a machine's client certificate is sealed for. */
export function clientKeyPlace(machineId: string): Place {
  return { table: "machines", row: machineId, column: "client_key_sealed" };
}
