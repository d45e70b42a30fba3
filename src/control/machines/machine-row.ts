import type { Machine, MachineState } from "#wire/api.ts";
import type { Protocol } from "#wire/grant.ts";
import type { GuestFamily, HypervisorState, PowerState } from "#wire/machine-origin.ts";
import type { Caller } from "../services.ts";
import type { Queries } from "../store/store.ts";
import { tlsOnRecord } from "./machine-tls.ts";

/** A machine with its project's name. */
export interface MachineRow {
  readonly id: string;
  readonly project_id: string;
  readonly project_name: string;
  readonly name: string;
  readonly name_key: string;
  readonly protocol: Protocol;
  readonly driver: string;
  readonly address: string;
  readonly serial_address: string | null;
  readonly password_sealed: string | null;
  readonly username: string | null;
  readonly tls: string | null;
  readonly client_key_sealed: string | null;
  readonly state: MachineState;
  readonly pool: string;
  readonly hypervisor_id: string | null;
  readonly hypervisor_name: string | null;
  readonly hypervisor_platform: string | null;
  /** Null where it has none. */
  readonly hypervisor_read_only: number | null;
  /** Null until it is tried, too. */
  readonly hypervisor_state: HypervisorState | null;
  readonly power: PowerState | null;
  readonly guest: GuestFamily | null;
  readonly created_at: number;
}

/** For statements that are prepared: with `*`, a column that a newer version adds would break them. */
export const MACHINE_COLUMNS = [
  "machines.id",
  "machines.project_id",
  "machines.name",
  "machines.name_key",
  "machines.protocol",
  "machines.driver",
  "machines.address",
  "machines.serial_address",
  "machines.password_sealed",
  "machines.username",
  "machines.tls",
  "machines.client_key_sealed",
  "machines.state",
  "machines.pool",
  "machines.hypervisor_id",
  "machines.created_at",
] as const;

export function selectMachines(db: Queries) {
  return db
    .selectFrom("machines")
    .innerJoin("projects", "projects.id", "machines.project_id")
    .leftJoin("hypervisors", "hypervisors.id", "machines.hypervisor_id")
    .selectAll("machines")
    .select([
      "projects.name as project_name",
      "hypervisors.name as hypervisor_name",
      "hypervisors.platform as hypervisor_platform",
      "hypervisors.is_read_only as hypervisor_read_only",
      "hypervisors.state as hypervisor_state",
    ]);
}

/** As the caller may see it: where a console is and how it is secured is for administrators, and what is secret for nobody. */
export function toMachine(row: MachineRow, caller: Caller): Machine {
  return {
    id: row.id,
    name: row.name,
    projectId: row.project_id,
    project: row.project_name,
    protocol: row.protocol,
    protocols: protocolsOf(row),
    pool: row.pool,
    state: row.state,
    ...(row.power === null ? {} : { power: row.power }),
    ...(row.hypervisor_state === null ? {} : { hypervisorState: row.hypervisor_state }),
    ...(row.hypervisor_read_only === null ? {} : { takesOrders: row.hypervisor_read_only === 0 }),
    ...(row.guest === null ? {} : { guest: row.guest }),
    createdAt: new Date(row.created_at).toISOString(),
    ...(caller.role === "admin" ? forAdministrators(row) : {}),
  };
}

/** Platforms whose machines may have a serial line that nodes reach. */
const WITH_LINES: ReadonlySet<string | null> = new Set([
  ...["libvirt", "xenserver", "proxmox", "kubevirt", "command"],
]);

/** Whether a machine of a platform has a line, the platform is asked when it is opened. */
function protocolsOf({ protocol, serial_address, hypervisor_platform }: MachineRow): Protocol[] {
  const hasLine = protocol === "serial" || serial_address !== null || WITH_LINES.has(hypervisor_platform);
  return [...new Set(hasLine ? [protocol, "serial" as const] : [protocol])];
}

function forAdministrators({ address, username, tls, ...row }: MachineRow): Partial<Machine> {
  const { hypervisor_id: id, hypervisor_name: name } = row;
  return {
    address,
    ...(row.serial_address === null ? {} : { serialAddress: row.serial_address }),
    ...(id === null || name === null ? {} : { hypervisor: { id, name } }),
    ...(username === null ? {} : { username }),
    ...(tls === null ? {} : { tls: tlsOnRecord(tls) }),
  };
}
