import type { ExpressionBuilder } from "kysely";
import type { Clock } from "#base/clock.ts";
import type { KnownMachine } from "#hypervisors/driver.ts";
import type { PowerState } from "#wire/machine-origin.ts";
import type { Audit } from "../audit/audit.ts";
import { tryAnew } from "../machines/pacing-record.ts";
import { nameKey } from "../names.ts";
import type { CloseSessions } from "../sessions/closing.ts";
import type { Schema } from "../store/schema.ts";
import type { Queries, Store } from "../store/store.ts";
import { enterProject, freeName, printableName, stateOf } from "./entering.ts";
import type { MachineHost } from "./hypervisor-row.ts";

const limits = {
  /** Within that, a machine that left its hypervisor is the one that turns up under its UUID: on another, or there, when it is defined anew. */
  absentMs: 10 * 60_000,
  /**
   * One that moves runs on one hypervisor at a time, though they tell of it one after the other. What has been seen to run on both for
   * longer are two machines that somebody gave one UUID.
   */
  overlapMs: 60_000,
  /** While somebody waits for a console; a machine is on two hypervisors, and seldom on three. */
  placesAsked: 3,
  /** When a machine has left and nothing is known of where to. What those beyond have, they tell by themselves. */
  hypervisorsAsked: 64,
} as const;

/**
 * Whose addresses are UUIDs that a machine keeps when it moves to another hypervisor of the platform: XAPI's VM.migrate_send between pools, vMotion
 * between vCenters. Of the others, what moves gets another address (a cluster's UID), or two may have the same (a number, a command's words).
 */
const ROAMING: ReadonlySet<MachineHost["platform"]> = new Set(["libvirt", "xenserver", "vsphere"]);

/** Whether a machine is known by its address on whichever hypervisor of its platform it is. */
export function roams({ platform }: Pick<MachineHost, "platform">): boolean {
  return ROAMING.has(platform);
}

/** See the limits. */
export const { absentMs } = limits;

interface Parts {
  readonly store: Store;
  readonly audit: Audit;
  readonly closeSessions: CloseSessions;
  readonly clock: Clock;
}

interface Holder {
  readonly id: string;
  readonly project_id: string;
  readonly power: PowerState | null;
  readonly hypervisor_id: string;
}

/** The machine of that UUID which another hypervisor has. */
export async function holderElsewhere(
  db: Queries,
  { hypervisor, address }: { readonly hypervisor: MachineHost; readonly address: string },
): Promise<Holder | undefined> {
  if (!roams(hypervisor)) return undefined;
  const found = await db
    .selectFrom("machines")
    .innerJoin("hypervisors", "hypervisors.id", "machines.hypervisor_id")
    .select(["machines.id", "machines.project_id", "machines.power", "hypervisors.id as hypervisor_id"])
    .where("machines.address", "=", address)
    .where("hypervisors.platform", "=", hypervisor.platform)
    .where("hypervisors.id", "<>", hypervisor.id)
    .executeTakeFirst();
  return found;
}

/** Where a machine is by now that does not run here any more: another hypervisor has one of its UUID, and has not long had it beside this one. */
export async function newPlaceOf(
  { clock }: Pick<Parts, "clock">,
  db: Queries,
  { hypervisor, address }: { readonly hypervisor: MachineHost; readonly address: string },
): Promise<{ readonly hypervisor: MachineHost; readonly machine: KnownMachine } | undefined> {
  if (!roams(hypervisor)) return undefined;
  const found = await db
    .selectFrom("waiting_machines")
    .innerJoin("hypervisors", "hypervisors.id", "waiting_machines.hypervisor_id")
    .select(["waiting_machines.name", "power", "guest", "running_since"])
    .select(["hypervisors.id as hypervisor_id", "hypervisors.name as hypervisor_name"])
    .where("waiting_machines.address", "=", address)
    .where("hypervisors.platform", "=", hypervisor.platform)
    .where("hypervisors.id", "<>", hypervisor.id)
    .execute();
  const place = found.find(({ running_since: since }) => !isAnother(since, clock));
  if (place === undefined) return undefined;
  const { name, power, guest, hypervisor_id: id, hypervisor_name } = place;
  return {
    hypervisor: { id, name: hypervisor_name, platform: hypervisor.platform },
    machine: { address, name, power, guest },
  };
}

/** Hypervisors that have one of its UUID which waits. */
export async function placesElsewhere(
  db: Queries,
  { hypervisorId, address }: { readonly hypervisorId: string; readonly address: string },
): Promise<readonly string[]> {
  const rows = await db
    .selectFrom("waiting_machines")
    .innerJoin("hypervisors", "hypervisors.id", "waiting_machines.hypervisor_id")
    .innerJoin("hypervisors as here", (join) => join.on("here.id", "=", hypervisorId))
    .select("hypervisors.id")
    .where("waiting_machines.address", "=", address)
    .where("hypervisors.id", "<>", hypervisorId)
    .whereRef("hypervisors.platform", "=", "here.platform")
    .where("here.platform", "in", [...ROAMING])
    .limit(limits.placesAsked)
    .execute();
  return rows.map(({ id }) => id);
}

/** Hypervisors to which a machine that runs here no more may have moved: first those that are known to have one of its UUID. */
export async function hypervisorsElsewhere(
  db: Queries,
  { hypervisorId, address }: { readonly hypervisorId: string; readonly address: string },
): Promise<readonly string[]> {
  const rows = await db
    .selectFrom("hypervisors")
    .innerJoin("hypervisors as here", (join) => join.on("here.id", "=", hypervisorId))
    .leftJoin("waiting_machines", (join) =>
      join
        .onRef("waiting_machines.hypervisor_id", "=", "hypervisors.id")
        .on("waiting_machines.address", "=", address),
    )
    .select("hypervisors.id")
    .where("hypervisors.id", "<>", hypervisorId)
    .whereRef("hypervisors.platform", "=", "here.platform")
    .where("here.platform", "in", [...ROAMING])
    .where((where) =>
      where.or([where("hypervisors.state", "is", null), where("hypervisors.state", "=", "up")]),
    )
    .orderBy((by) => by.case().when("waiting_machines.id", "is", null).then(1).else(0).end())
    .orderBy("hypervisors.name_key")
    .limit(limits.hypervisorsAsked)
    .execute();
  return rows.map(({ id }) => id);
}

/** Whether one that is seen to run beside the machine of its UUID is a machine of its own. */
export function isAnother(runningSince: number | null, clock: Clock): boolean {
  return runningSince !== null && clock.now() - runningSince > limits.overlapMs;
}

/** The machine stays what it is, but for where it is. Whoever has its console open is told that it moved. */
export async function moveMachine(
  { store, audit, closeSessions }: Parts,
  db: Queries,
  {
    holder: { id, project_id: projectId },
    to,
    machine,
  }: {
    readonly holder: Pick<Holder, "id" | "project_id">;
    readonly to: MachineHost;
    readonly machine: KnownMachine;
  },
): Promise<void> {
  const { address, power, guest } = machine;
  await db
    .deleteFrom("waiting_machines")
    .where("hypervisor_id", "=", to.id)
    .where("address", "=", address)
    .execute();
  const name = await freeName(db, { id, projectId, name: printableName(machine), hypervisor: to, address });
  await db
    .updateTable("machines")
    .set({ name, name_key: nameKey(name), power, guest, state: stateOf(power) })
    .set((set) => ({ hypervisor_id: to.id, pool: poolAt(set, to) }))
    .where("id", "=", id)
    .execute();
  await tryAnew(store, db, id);
  await closeSessions(db, (session) => session("machine_id", "=", id), { code: "machine_moved" });
  const object = { kind: "machine", id, name } as const;
  await audit.record(db, {
    action: "machine.update",
    by: {},
    object,
    detail: `moved to hypervisor ${to.name}`,
  });
}

/** That of where it goes, unless it was given one of its own. */
function poolAt(
  { case: when, selectFrom }: ExpressionBuilder<Schema, "machines">,
  to: Pick<MachineHost, "id">,
) {
  const ofHypervisors = selectFrom("hypervisors").select("hypervisors.pool");
  return when()
    .when("machines.pool", "=", ofHypervisors.whereRef("hypervisors.id", "=", "machines.hypervisor_id"))
    .then(ofHypervisors.where("hypervisors.id", "=", to.id))
    .elseRef("machines.pool")
    .end();
}

/** Keeps, for a time, what somebody else has said of a machine that its hypervisor has no more. */
export async function keepDeparted(
  { clock }: Pick<Parts, "clock">,
  db: Queries,
  machine: {
    readonly id: string;
    readonly hypervisor: MachineHost;
    readonly address: string;
    readonly project_id: string;
    readonly pool: string;
    readonly password_sealed: string | null;
  },
): Promise<void> {
  const { hypervisor, ...row } = machine;
  const now = clock.now();
  await db
    .deleteFrom("departed_machines")
    .where("left_at", "<", now - limits.absentMs)
    .execute();
  if (!roams(hypervisor)) return;
  await db
    .insertInto("departed_machines")
    .values({ ...row, hypervisor_id: hypervisor.id, left_at: now })
    .execute();
}

/** Takes one in again that left this hypervisor a short time ago, or left another and runs here. False where none has. */
export async function takeBack(
  { audit, clock }: Pick<Parts, "audit" | "clock">,
  db: Queries,
  { hypervisor, machine }: { readonly hypervisor: MachineHost; readonly machine: KnownMachine },
): Promise<boolean> {
  if (!roams(hypervisor)) return false;
  const now = clock.now();
  const { address } = machine;
  const departed = await db
    .selectFrom("departed_machines")
    .innerJoin("hypervisors", "hypervisors.id", "departed_machines.hypervisor_id")
    .select(["departed_machines.id", "hypervisor_id", "project_id", "password_sealed", "left_at"])
    .select(["departed_machines.pool", "hypervisors.pool as pool_there"])
    .where("departed_machines.address", "=", address)
    .where("hypervisors.platform", "=", hypervisor.platform)
    .orderBy("left_at", "desc")
    .execute();
  const [last] = departed;
  if (last === undefined || now - last.left_at > limits.absentMs) return false;
  // A definition of libvirt's that lies about elsewhere, from before it moved or after, is not where it went. The others leave none behind.
  const mayLieAbout = hypervisor.platform === "libvirt" && machine.power === "stopped";
  if (last.hypervisor_id !== hypervisor.id && mayLieAbout) return false;
  await db.deleteFrom("departed_machines").where("address", "=", address).execute();
  const { id, project_id: projectId, pool, pool_there: poolThere, password_sealed } = last;
  await db
    .deleteFrom("waiting_machines")
    .where("hypervisor_id", "=", hypervisor.id)
    .where("address", "=", address)
    .execute();
  const { name } = await enterProject(db, { ...machine, id, hypervisor, projectId, now });
  await db
    .updateTable("machines")
    .set({ password_sealed, ...(pool === poolThere ? {} : { pool }) })
    .where("id", "=", id)
    .execute();
  const object = { kind: "machine", id, name } as const;
  const detail =
    last.hypervisor_id === hypervisor.id
      ? `hypervisor ${hypervisor.name} has it again`
      : `moved to hypervisor ${hypervisor.name}`;
  await audit.record(db, { action: "machine.add", by: {}, object, detail });
  return true;
}
