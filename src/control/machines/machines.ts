import { randomUUID } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import type { Driver } from "#hypervisors/driver.ts";
import { DEFAULT_POOL, DEFAULT_PROJECT, type MachineChange } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Protocol } from "#wire/grant.ts";
import type { Audit } from "../audit/audit.ts";
import type { DriverPool } from "../hypervisors/driver-pool.ts";
import type { WhereIs } from "../hypervisors/whereabouts.ts";
import { cleanName, nameKey } from "../names.ts";
import { requireProject } from "../projects/projects.ts";
import { maySeeProject, requireAdministrator, requireLook, requireWork } from "../rights.ts";
import type { Caller, Machines } from "../services.ts";
import type { CloseSessions } from "../sessions/closing.ts";
import type { Queries, Store } from "../store/store.ts";
import { sameSecret } from "../vault/same-secret.ts";
import type { Vault } from "../vault/vault.ts";
import { assignMachine, assignWaiting, listWaiting, lockOrigin, withholdMachine } from "./assignment.ts";
import { type Drivers, driverOf, MANUAL_DRIVER, passwordPlace } from "./driver-machine.ts";
import { listMachines } from "./listing.ts";
import { type MachineRow, selectMachines, toMachine } from "./machine-row.ts";
import { searchMachines } from "./machine-search.ts";
import { manualDriverOf, securityColumns } from "./machine-security.ts";
import { tryAnew } from "./pacing-record.ts";
import { orderPower } from "./power.ts";
import { Screenshots } from "./screenshots.ts";

interface Parts {
  readonly store: Store;
  readonly audit: Audit;
  readonly vault: Vault;
  readonly drivers: Drivers;
  readonly clock: Clock;
  readonly closeSessions: CloseSessions;
  readonly driverPool: Pick<DriverPool, "order" | "look">;
  readonly whereIs: WhereIs;
}

/** Nobody but the operator says anything of such a machine. */
const BY_HAND = { hypervisor_id: null, power: null, guest: null } as const;
const NO_HYPERVISOR = {
  hypervisor_name: null,
  hypervisor_platform: null,
  hypervisor_read_only: null,
  hypervisor_state: null,
} as const;

/** Administrators register machines; members see those of their projects, without addresses. */
export function createMachines(parts: Parts): Machines {
  const { store, audit, vault, drivers, clock, closeSessions } = parts;
  const screenshots = new Screenshots(parts);

  return {
    async add(caller, machine) {
      requireAdministrator(caller);
      const { name, protocol, address, serialAddress } = machine;
      const { project = DEFAULT_PROJECT, pool = DEFAULT_POOL } = machine;
      const driver = driverOf(drivers, MANUAL_DRIVER);
      const id = randomUUID();
      const unsecured = { password_sealed: null, username: null, tls: null, client_key_sealed: null };
      const secured = {
        address: parseAddress(driver, { address, protocol }),
        serial_address:
          serialAddress === undefined ? null : parseAddress(driver, { serialAddress, protocol: "serial" }),
        ...unsecured,
        ...securityColumns(machine, { vault, id }),
      };
      const row = {
        id,
        ...named(name),
        protocol,
        driver: manualDriverOf({ ...secured, protocol }),
        ...secured,
        state: "running" as const,
        pool,
        created_at: clock.now(),
        ...BY_HAND,
      };
      return await store.db.transaction().execute(async (db) => {
        const { id: project_id, name: project_name } = await requireProject(db, project);
        const columns = { ...row, project_id };
        await refuseDuplicate(store, row.name, db.insertInto("machines").values(columns).execute());
        await audit.record(db, { action: "machine.add", by: caller, object: machineObject(columns) });
        return toMachine({ ...columns, project_name, ...NO_HYPERVISOR }, caller);
      });
    },

    async list(caller, filter) {
      return await listMachines(store.db, { caller, filter, item: (row) => toMachine(row, caller) });
    },

    async search(caller, filter, window) {
      return await searchMachines(store.db, {
        caller,
        filter,
        window,
        item: (row) => toMachine(row, caller),
      });
    },

    async get(caller, id) {
      return toMachine(await visibleMachine(store.db, { caller, id }), caller);
    },

    async hasPassword(caller, id, password) {
      const machine = await visibleMachine(store.db, { caller, id });
      const sealed = machine.password_sealed;
      const kept = sealed === null ? undefined : vault.open(sealed, passwordPlace(id));
      if (sameSecret(password, kept?.expose() ?? "") && kept !== undefined) return true;
      const entry = { action: "machine.password", by: caller, object: machineObject(machine) } as const;
      await audit.recordRefusal(entry, { code: "unauthenticated" });
      return false;
    },

    async update(caller, id, change) {
      requireAdministrator(caller);
      return await store.db.transaction().execute(async (db) => {
        const before = await findMachine(db, id);
        if (before === undefined) throw notFound();
        const columns = toColumns(change, { vault, before, driver: driverOf(drivers, before.driver) });
        if (Object.keys(columns).length > 0) {
          const update = db.updateTable("machines").set(columns).where("id", "=", id).execute();
          await refuseDuplicate(store, columns.name ?? before.name, update);
          if (REACHED.some((column) => column in columns)) await tryAnew(store, db, id);
          const detail = Object.keys(change).join(" ");
          const object = machineObject({ ...before, ...columns });
          await audit.record(db, { action: "machine.update", by: caller, object, detail });
        }
        if (columns.state === "stopped")
          await closeSessions(db, (session) => session("machine_id", "=", id), {
            code: "machine_not_running",
          });
        return toMachine({ ...before, ...columns }, caller);
      });
    },

    async power(caller, id, action) {
      const machine = await visibleMachine(store.db, { caller, id });
      requireWork(caller);
      await orderPower(parts, { by: caller, machine, action });
      return toMachine(await visibleMachine(store.db, { caller, id }), caller);
    },

    async screenshot(caller, id) {
      const machine = await visibleMachine(store.db, { caller, id });
      requireLook(caller);
      return await screenshots.take(caller, machine);
    },

    async waiting(caller, page) {
      requireAdministrator(caller);
      return await listWaiting(store.db, page);
    },

    async assign(caller, id, project) {
      requireAdministrator(caller);
      return await store.db.transaction().execute(async (db) => {
        await lockOrigin(store, db, id);
        const before = await findMachine(db, id);
        if (before === undefined) await assignWaiting(parts, db, { caller, id, project });
        else
          await refuseDuplicate(
            store,
            before.name,
            assignMachine(parts, db, { caller, machine: before, project }),
          );
        const after = await findMachine(db, id);
        if (after === undefined) throw notFound();
        return toMachine(after, caller);
      });
    },

    async remove(caller, id) {
      requireAdministrator(caller);
      await store.db.transaction().execute(async (db) => {
        await lockOrigin(store, db, id);
        const machine = await findMachine(db, id);
        const gone = await db.deleteFrom("machines").where("id", "=", id).returning("id").executeTakeFirst();
        if (machine === undefined || gone === undefined) throw notFound();
        if (machine.hypervisor_id !== null) await withholdMachine(parts, db, machine);
        const code = machine.hypervisor_id === null ? "machine_gone" : "access_withdrawn";
        await closeSessions(db, (session) => session("machine_id", "=", id), { code });
        await audit.record(db, { action: "machine.remove", by: caller, object: machineObject(machine) });
      });
    },
  };
}

/** What a hypervisor is asked with, and which one. */
const REACHED = ["address", "serial_address", "password_sealed", "username", "tls"] as const;

async function findMachine(db: Queries, id: string): Promise<MachineRow | undefined> {
  return await selectMachines(db).where("machines.id", "=", id).executeTakeFirst();
}

/** Throws `not_found` for what the caller may not see as for what there is not. */
async function visibleMachine(
  db: Queries,
  { caller, id }: { readonly caller: Caller; readonly id: string },
): Promise<MachineRow> {
  const row = await findMachine(db, id);
  if (row === undefined || !maySeeProject(caller, row.project_id)) throw notFound();
  return row;
}

function toColumns(
  { name, address, serialAddress, state, pool, ...security }: MachineChange,
  { vault, before, driver }: { readonly vault: Vault; readonly before: MachineRow; readonly driver: Driver },
): Partial<MachineRow> {
  const isOfHypervisor = before.hypervisor_id !== null;
  if (isOfHypervisor)
    refuseSaidElsewhere({ name, state, serialAddress, username: security.username, tls: security.tls });
  const reached = {
    ...(address === undefined
      ? {}
      : { address: parseAddress(driver, { address, protocol: before.protocol }) }),
    ...(serialAddress === undefined ? {} : { serial_address: serialLine(driver, serialAddress) }),
    ...securityColumns(security, { vault, id: before.id }),
  };
  return {
    ...(name === undefined ? {} : named(name)),
    ...reached,
    ...(Object.keys(reached).length === 0 || isOfHypervisor
      ? {}
      : { driver: manualDriverOf({ ...before, ...reached }) }),
    ...(state === undefined ? {} : { state }),
    ...(pool === undefined ? {} : { pool }),
  };
}

/** Of a machine that a hypervisor has: what the hypervisor says of it is not said by anybody else. */
function refuseSaidElsewhere(change: Readonly<Record<string, unknown>>): void {
  for (const [field, value] of Object.entries(change))
    if (value !== undefined)
      throw new GatewayError("request_invalid", { detail: `${field}: its hypervisor says so` });
}

function named(name: string): { readonly name: string; readonly name_key: string } {
  const clean = cleanName(name);
  return { name: clean, name_key: nameKey(clean) };
}

function serialLine(driver: Driver, serialAddress: string | null): string | null {
  return serialAddress === null ? null : parseAddress(driver, { serialAddress, protocol: "serial" });
}

/** What is wrong with it is said with the field's name. */
function parseAddress(
  driver: Driver,
  {
    protocol,
    ...field
  }: { readonly protocol: Protocol } & ({ readonly address: string } | { readonly serialAddress: string }),
): string {
  const [[name, address] = ["", ""]] = Object.entries(field);
  try {
    return driver.parseAddress(address.trim(), protocol);
  } catch (cause) {
    const detail = `${name}: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new GatewayError("request_invalid", { cause, detail });
  }
}

async function refuseDuplicate(store: Store, name: string, write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (cause) {
    if (store.isDuplicate(cause)) throw new GatewayError("conflict", { cause, detail: `machine ${name}` });
    throw cause;
  }
}

/** As the audit log names it. */
function machineObject({ id, name }: { readonly id: string; readonly name: string }) {
  return { kind: "machine", id, name } as const;
}

function notFound(): GatewayError {
  return new GatewayError("not_found", { detail: "machine" });
}
