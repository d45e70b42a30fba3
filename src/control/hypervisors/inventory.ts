import { randomUUID } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import type { KnownMachine } from "#hypervisors/driver.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Audit } from "../audit/audit.ts";
import { nameKey } from "../names.ts";
import type { CloseSessions } from "../sessions/closing.ts";
import type { Queries, Store } from "../store/store.ts";
import { enterProject, freeName, printableName, stateOf } from "./entering.ts";
import { findHypervisor, type MachineHost } from "./hypervisor-row.ts";
import { holderElsewhere, isAnother, keepDeparted, moveMachine, newPlaceOf, takeBack } from "./moving.ts";
import { projectOf, type Rule, rulesOf } from "./rules.ts";
import { keepWithheld, takeWithheld } from "./withheld.ts";

const limits = {
  /** Machines that are written down in one transaction, so that others need not wait for a whole hypervisor. */
  batch: 100,
  /** How often one is tried again that lost a name to somebody who registered it at the same time. */
  lostNames: 5,
} as const;

interface Parts {
  readonly store: Store;
  readonly audit: Audit;
  readonly closeSessions: CloseSessions;
  readonly clock: Clock;
}

/** What is on record of a hypervisor's machine. */
interface Recorded {
  readonly address: string;
  readonly name: string;
  readonly power: string | null;
  readonly guest: string | null;
  readonly waits: boolean;
}

/** Writes down what hypervisors say they have. Bears to be done twice, and by two replicas at once. */
export interface Inventory {
  /** All that it has: what else is on record of it is gone, but for what it could not be asked for. */
  takeAll(hypervisorId: string, known: readonly KnownMachine[], taking?: TakingAll): Promise<void>;
  /** Of some, how they are now, and of some that they are gone. */
  take(hypervisorId: string, seen: Seen, signal?: AbortSignal): Promise<void>;
}

interface TakingAll {
  /** Once it is aborted nothing more is written. */
  readonly signal?: AbortSignal;
  /** Of addresses that stay as they are on record. Absent: none. */
  readonly isUnheard?: (address: string) => boolean;
}

interface Seen {
  readonly known: readonly KnownMachine[];
  /** Addresses. */
  readonly gone: readonly string[];
}

export function createInventory(parts: Parts): Inventory {
  const { store } = parts;

  async function take(hypervisorId: string, { known, gone }: Seen, signal?: AbortSignal): Promise<void> {
    const where = { hypervisorId, signal };
    for (const some of batches(known))
      await inTransaction(where, async (db, hypervisor) => {
        const rules = await rulesOf(db, hypervisorId);
        for (const machine of some) await takeOne(parts, db, { hypervisor, rules, machine });
      });
    for (const some of batches(gone))
      await inTransaction(where, async (db, hypervisor) => {
        for (const address of some) await forgetOne(parts, db, { hypervisor, address });
      });
  }

  async function inTransaction(
    { hypervisorId, signal }: { readonly hypervisorId: string; readonly signal: AbortSignal | undefined },
    write: (db: Queries, hypervisor: MachineHost) => Promise<void>,
  ): Promise<void> {
    for (let lost = 0; ; lost += 1) {
      try {
        await store.db.transaction().execute(async (db) => {
          await store.lock(db, hypervisorLock(hypervisorId));
          // What one says may move a machine that another has.
          await store.lock(db, MOVING);
          // Who leads no more may have waited for the locks, and what he knows is older than what his successor has written.
          signal?.throwIfAborted();
          const hypervisor = await findHypervisor(db, hypervisorId);
          if (hypervisor === undefined)
            throw new GatewayError("not_found", { detail: "the hypervisor is forgotten" });
          await write(db, hypervisor);
        });
        return;
      } catch (error) {
        if (!store.isDuplicate(error) || lost >= limits.lostNames) throw error;
      }
    }
  }

  return {
    take,

    async takeAll(hypervisorId, known, { signal, isUnheard = () => false } = {}) {
      const [rules, recorded] = await Promise.all([
        rulesOf(store.db, hypervisorId),
        recordedOf(store.db, hypervisorId),
      ]);
      const byAddress = new Map(recorded.map((row) => [row.address, row]));
      const there = new Set(known.map(({ address }) => address));
      const seen = {
        known: known.filter((machine) => isNews(machine, byAddress.get(machine.address), rules)),
        gone: recorded
          .map(({ address }) => address)
          .filter((address) => !there.has(address) && !isUnheard(address)),
      };
      await take(hypervisorId, seen, signal);
    },
  };
}

/** Who holds it changes which machines a hypervisor has on record. */
export function hypervisorLock(id: string): string {
  return `hypervisor ${id}`;
}

/** Who holds it, behind that of a hypervisor, may move machines between hypervisors, or change what they get where they go. */
export const MOVING = "machines of hypervisors";

/** So that a list in which nothing is new writes nothing. */
function isNews(machine: KnownMachine, row: Recorded | undefined, rules: readonly Rule[]): boolean {
  if (row === undefined) return true;
  const name = printableName(machine);
  if (row.waits && projectOf(name, rules) !== undefined) return true;
  return row.name !== name || row.power !== machine.power || row.guest !== machine.guest;
}

async function recordedOf(db: Queries, hypervisorId: string): Promise<readonly Recorded[]> {
  const columns = ["address", "name", "power", "guest"] as const;
  const taken = await db
    .selectFrom("machines")
    .select(columns)
    .where("hypervisor_id", "=", hypervisorId)
    .execute();
  const waiting = await db
    .selectFrom("waiting_machines")
    .select([...columns, "is_withheld"])
    .where("hypervisor_id", "=", hypervisorId)
    .execute();
  return [
    ...taken.map((row) => ({ ...row, waits: false })),
    ...waiting.map((row) => ({ ...row, waits: row.is_withheld === 0 })),
  ];
}

interface Taking {
  readonly hypervisor: MachineHost;
  readonly rules: readonly Rule[];
  readonly machine: KnownMachine;
}

async function takeOne(parts: Parts, db: Queries, taking: Taking): Promise<void> {
  const { hypervisor, machine } = taking;
  const taken = await db
    .selectFrom("machines")
    .select(["id", "project_id", "name", "state", "power", "guest"])
    .where("hypervisor_id", "=", hypervisor.id)
    .where("address", "=", machine.address)
    .executeTakeFirst();
  if (taken === undefined) await placeOne(parts, db, taking);
  else await refreshOne(parts, db, { ...taking, taken });
}

/** One that this hypervisor had not: it has moved here, comes into a project by rule, or waits. */
async function placeOne(parts: Parts, db: Queries, taking: Taking): Promise<void> {
  const { hypervisor, rules, machine } = taking;
  const { audit, clock } = parts;
  const waiting = await db
    .selectFrom("waiting_machines")
    .select(["id", "is_withheld", "running_since"])
    .where("hypervisor_id", "=", hypervisor.id)
    .where("address", "=", machine.address)
    .executeTakeFirst();
  const name = printableName(machine);
  const { address, power, guest } = machine;
  const running_since = power === "stopped" ? null : (waiting?.running_since ?? clock.now());
  const now = { name, name_key: nameKey(name), power, guest, running_since };
  const holder = await holderElsewhere(db, { hypervisor, address });
  const mayHaveMoved = !isAnother(running_since, clock);
  if (mayHaveMoved && holder?.power === "stopped" && power !== "stopped") {
    await moveMachine(parts, db, { holder, to: hypervisor, machine });
    await leaveBehind(parts, db, { hypervisorId: holder.hypervisor_id, machine });
    return;
  }
  if (mayHaveMoved && holder === undefined && (await takeBack(parts, db, { hypervisor, machine }))) return;
  const withheld = waiting === undefined ? await takeWithheld(parts, db, { hypervisor, address }) : undefined;
  const isWithheld = withheld !== undefined || waiting?.is_withheld === 1;
  const isHeldBack = holder !== undefined || isWithheld;
  const projectId = isHeldBack ? undefined : projectOf(name, rules);
  if (projectId !== undefined) {
    const id = waiting?.id ?? randomUUID();
    await db.deleteFrom("waiting_machines").where("id", "=", id).execute();
    const entered = await enterProject(db, { ...machine, id, hypervisor, projectId, now: clock.now() });
    const object = { kind: "machine", id, name: entered.name } as const;
    await audit.record(db, {
      action: "machine.add",
      by: {},
      object,
      detail: `hypervisor ${hypervisor.name}`,
    });
    return;
  }
  if (waiting !== undefined) {
    await db.updateTable("waiting_machines").set(now).where("id", "=", waiting.id).execute();
    return;
  }
  const row = { id: withheld ?? randomUUID(), hypervisor_id: hypervisor.id, address, ...now };
  await db
    .insertInto("waiting_machines")
    .values({ ...row, is_withheld: isWithheld ? 1 : 0, created_at: clock.now() })
    .execute();
}

/** Of a machine that runs elsewhere by now, its old hypervisor may keep the definition: that waits there. */
async function leaveBehind(
  { clock }: Parts,
  db: Queries,
  { hypervisorId, machine }: { readonly hypervisorId: string; readonly machine: KnownMachine },
): Promise<void> {
  const name = printableName(machine);
  const { address, guest } = machine;
  const row = {
    id: randomUUID(),
    hypervisor_id: hypervisorId,
    address,
    name,
    name_key: nameKey(name),
    guest,
  };
  await db
    .insertInto("waiting_machines")
    .values({ ...row, power: "stopped", is_withheld: 0, running_since: null, created_at: clock.now() })
    .execute();
}

/** One that a project has stays there, whatever rules say by now; its name follows the hypervisor's. */
async function refreshOne(
  parts: Parts,
  db: Queries,
  {
    hypervisor,
    machine,
    taken,
  }: Taking & {
    readonly taken: { readonly id: string; readonly project_id: string } & Record<
      "name" | "state" | "power" | "guest",
      string | null
    >;
  },
): Promise<void> {
  const { audit, closeSessions } = parts;
  const { id, project_id: projectId } = taken;
  const { address, power, guest } = machine;
  const place = power === "stopped" ? await newPlaceOf(parts, db, { hypervisor, address }) : undefined;
  if (place !== undefined && place.machine.power !== "stopped") {
    await moveMachine(parts, db, { holder: taken, to: place.hypervisor, machine: place.machine });
    await leaveBehind(parts, db, { hypervisorId: hypervisor.id, machine });
    return;
  }
  const name = await freeName(db, { id, projectId, name: printableName(machine), hypervisor, address });
  const state = stateOf(power);
  if (name === taken.name && power === taken.power && guest === taken.guest && state === taken.state) return;
  await db
    .updateTable("machines")
    .set({ name, name_key: nameKey(name), power, guest, state })
    .where("id", "=", id)
    .execute();
  if (name !== taken.name) {
    const object = { kind: "machine", id, name } as const;
    const detail = `name, by hypervisor ${hypervisor.name}`;
    await audit.record(db, { action: "machine.update", by: {}, object, detail });
  }
  if (state === "stopped" && taken.state !== "stopped")
    await closeSessions(db, (session) => session("machine_id", "=", id), { code: "machine_not_running" });
}

async function forgetOne(
  parts: Parts,
  db: Queries,
  { hypervisor, address }: { readonly hypervisor: MachineHost; readonly address: string },
): Promise<void> {
  const { audit, closeSessions } = parts;
  const waited = await db
    .deleteFrom("waiting_machines")
    .where("hypervisor_id", "=", hypervisor.id)
    .where("address", "=", address)
    .returning(["id", "is_withheld"])
    .executeTakeFirst();
  if (waited?.is_withheld === 1) await keepWithheld(parts, db, { id: waited.id, hypervisor, address });
  const gone = await db
    .selectFrom("machines")
    .select(["id", "name", "project_id", "pool", "password_sealed"])
    .where("hypervisor_id", "=", hypervisor.id)
    .where("address", "=", address)
    .executeTakeFirst();
  if (gone === undefined) return;
  const place = await newPlaceOf(parts, db, { hypervisor, address });
  if (place !== undefined) {
    await moveMachine(parts, db, { holder: gone, to: place.hypervisor, machine: place.machine });
    return;
  }
  const { name, ...kept } = gone;
  await db.deleteFrom("machines").where("id", "=", gone.id).execute();
  await keepDeparted(parts, db, { ...kept, hypervisor, address });
  await closeSessions(db, (session) => session("machine_id", "=", gone.id), { code: "machine_gone" });
  const object = { kind: "machine", id: gone.id, name } as const;
  const detail = `hypervisor ${hypervisor.name} has it no more`;
  await audit.record(db, { action: "machine.remove", by: {}, object, detail });
}

function* batches<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += limits.batch)
    yield items.slice(start, start + limits.batch);
}
