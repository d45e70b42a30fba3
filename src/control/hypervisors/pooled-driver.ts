import type { Driver, DriverMachine, HypervisorDriver, KeepLease, Lent } from "#hypervisors/driver.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import type { Store } from "../store/store.ts";
import type { Vault } from "../vault/vault.ts";
import type { DriverPool } from "./driver-pool.ts";
import { findHypervisor, openConsoleTls } from "./hypervisor-row.ts";
import type { Inventory } from "./inventory.ts";
import { placesElsewhere } from "./moving.ts";

const limits = {
  /** For each of those that may have a machine by now, and then for the one on record once more: somebody waits for the console. */
  movedMs: 2_000,
  /** To give back at once what came too late. */
  releaseMs: 5_000,
} as const;

interface Parts {
  readonly store: Store;
  readonly vault: Vault;
  readonly inventory: Inventory;
}

/**
 * The driver of all machines that hypervisors have: it asks that of the hypervisor which has the machine. Where that one says that it
 * does not run there, and another is known to have one of its UUID, both are looked at: whoever opens a console does not wait until
 * it was told everywhere that a machine has moved.
 */
export function createPooledDriver(pool: Pick<DriverPool, "ask">, parts: Parts): Driver {
  const { store, vault } = parts;
  return {
    parseAddress() {
      throw new Error("its hypervisor says where it is");
    },

    async check(machine) {
      const ask = async (id: string) => await pool.ask(id, async (driver) => await driver.check(machine));
      try {
        const found = await ask(hypervisorOf(machine));
        if (found.running) return found;
        const moved = await findMoved(pool, parts, machine);
        return moved === undefined ? found : await ask(moved);
      } catch (error) {
        const moved = isNotThere(error) ? await findMoved(pool, parts, machine) : undefined;
        if (moved === undefined) throw error;
        return await ask(moved);
      }
    },

    resolve: async (machine) =>
      await whereItIs(machine, async (driver, found) => await driver.resolve(found)),

    look: async (machine) =>
      await whereItIs(machine, async (driver, found) =>
        driver.look === undefined ? await driver.resolve(found) : await driver.look(found),
      ),

    lend: async (machine, keep) =>
      await whereItIs(machine, async (driver, found, deadline) => {
        const lent = await lendBy(driver, found, keep);
        // Nobody waits for it any more, so nobody would give it back.
        if (deadline.aborted && lent.lease !== undefined)
          await driver.release?.(lent.lease, AbortSignal.timeout(limits.releaseMs));
        return lent;
      }),
  };

  async function whereItIs<Result>(
    machine: DriverMachine,
    ask: (driver: HypervisorDriver, found: DriverMachine, deadline: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const id = hypervisorOf(machine);
    // Read at each time: what is demanded of a console is not to be what was demanded before.
    const row = await findHypervisor(store.db, id);
    if (row === undefined) throw new GatewayError("machine_gone", { detail: "its hypervisor is forgotten" });
    const tls = openConsoleTls(row, vault);
    try {
      return await pool.ask(id, async (driver, signal) => await ask(driver, { ...machine, tls }, signal));
    } catch (cause) {
      // Its sessions end as it moves, this one too; the next is opened where it is.
      if (isNotThere(cause) && (await findMoved(pool, parts, machine)) !== undefined)
        throw new GatewayError("machine_moved", { cause });
      throw cause;
    }
  }
}

async function lendBy(driver: HypervisorDriver, machine: DriverMachine, keep: KeepLease): Promise<Lent> {
  if (driver.lend === undefined) return { upstream: await driver.resolve(machine) };
  return await driver.lend(machine, keep);
}

/** Has both sides looked at, and resolves to the hypervisor that the machine has moved to. */
async function findMoved(
  pool: Pick<DriverPool, "ask">,
  { store, inventory }: Parts,
  machine: DriverMachine,
): Promise<string | undefined> {
  const { id, address } = machine;
  const here = hypervisorOf(machine);
  const places = await placesElsewhere(store.db, { hypervisorId: here, address });
  if (places.length === 0) return undefined;
  const look = async (place: string) => {
    const find = async (driver: HypervisorDriver, signal: AbortSignal) => await driver.find(address, signal);
    const known = await pool.ask(place, find, limits.movedMs);
    await inventory.take(
      place,
      known === undefined ? { known: [], gone: [address] } : { known: [known], gone: [] },
    );
  };
  // One that does not answer says nothing: what holds is what the others say, and what is on record. The machine's own comes last, for
  // where it is here no more, it is known by then where it went.
  for (const some of [places, [here]]) await Promise.allSettled(some.map(look));
  const row = await store.db
    .selectFrom("machines")
    .select("hypervisor_id")
    .where("id", "=", id)
    .executeTakeFirst();
  const now = row?.hypervisor_id ?? undefined;
  return now === here ? undefined : now;
}

function isNotThere(error: unknown): boolean {
  const { code } = toGatewayError(error);
  return code === "machine_gone" || code === "machine_not_running";
}

function hypervisorOf({ id, hypervisorId }: DriverMachine): string {
  if (hypervisorId === undefined) throw new Error(`machine ${id} has no hypervisor`);
  return hypervisorId;
}
