import type { Machine, MachineState } from "#wire/api.ts";
import type { Protocol } from "#wire/grant.ts";
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
  readonly password_sealed: string | null;
  readonly username: string | null;
  readonly tls: string | null;
  readonly client_key_sealed: string | null;
  readonly state: MachineState;
  readonly pool: string;
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
  "machines.password_sealed",
  "machines.username",
  "machines.tls",
  "machines.client_key_sealed",
  "machines.state",
  "machines.pool",
  "machines.created_at",
] as const;

export function selectMachines(db: Queries) {
  return db
    .selectFrom("machines")
    .innerJoin("projects", "projects.id", "machines.project_id")
    .selectAll("machines")
    .select("projects.name as project_name");
}

/** As the caller may see it: where a console is and how it is secured is for administrators, and what is secret for nobody. */
export function toMachine(row: MachineRow, caller: Caller): Machine {
  return {
    id: row.id,
    name: row.name,
    projectId: row.project_id,
    project: row.project_name,
    protocol: row.protocol,
    pool: row.pool,
    state: row.state,
    createdAt: new Date(row.created_at).toISOString(),
    ...(caller.role === "admin" ? forAdministrators(row) : {}),
  };
}

function forAdministrators({ address, username, tls }: MachineRow): Partial<Machine> {
  return {
    address,
    ...(username === null ? {} : { username }),
    ...(tls === null ? {} : { tls: tlsOnRecord(tls) }),
  };
}
