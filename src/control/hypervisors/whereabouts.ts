import type { KnownMachine } from "#hypervisors/driver.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { PowerState } from "#wire/machine-origin.ts";
import type { Store } from "../store/store.ts";
import type { DriverPool } from "./driver-pool.ts";
import type { Inventory } from "./inventory.ts";
import { hypervisorsElsewhere } from "./moving.ts";

const limits = {
  /** For the hypervisor that has the machine on record, and then for those that may have it by now: two parts of an order's time. */
  hereMs: 5_000,
  elsewhereMs: 3_000,
} as const;

interface Parts {
  readonly store: Store;
  readonly driverPool: Pick<DriverPool, "seek">;
  readonly inventory: Inventory;
}

interface Place {
  readonly machineId: string;
  readonly hypervisorId: string;
  readonly address: string;
}

interface Whereabouts {
  readonly hypervisorId: string;
  /** As that hypervisor has just said; undefined where nobody had to be asked. */
  readonly power?: PowerState;
}

/** The hypervisor that has a machine now. Throws `machine_gone` where none has it, and where the one on record does not answer. */
export type WhereIs = (place: Place) => Promise<Whereabouts>;

/**
 * A machine that moved a moment ago is still where it was on record, and its definition may stay there: whoever started that would have
 * it run twice. So before something is ordered of one that does not run there, all are asked who may have it, and what they say
 * is written down as if they had told.
 */
export function createWhereabouts(parts: Parts): WhereIs {
  const { store, driverPool } = parts;
  return async (place) => {
    const { hypervisorId: here, address } = place;
    const elsewhere = await hypervisorsElsewhere(store.db, { hypervisorId: here, address });
    if (elsewhere.length === 0) return { hypervisorId: here };
    const known = await seek(driverPool, { id: here, address, ms: limits.hereMs });
    if (known !== undefined && known.power !== "stopped") return { hypervisorId: here, power: known.power };
    const now = await lookWhereItWent(parts, { ...place, known, ms: limits.elsewhereMs });
    if (now === undefined) throw new GatewayError("machine_gone");
    return { hypervisorId: now };
  };
}

/**
 * Of a machine that does not run where it is on record, where it is still defined if it is `known`: writes down what those say to which it may
 * have moved, and then what is known of it here. Resolves to the hypervisor that has it then.
 */
export async function lookWhereItWent(
  parts: Parts,
  { machineId, known, ...place }: Place & Found,
): Promise<string | undefined> {
  const { hypervisorId: here, address } = place;
  // Before it is written down that it is here no more, for then it is known where it went.
  await takeElsewhere(parts, place);
  await parts.inventory.take(
    here,
    known === undefined ? { known: [], gone: [address] } : { known: [known], gone: [] },
  );
  const row = await parts.store.db
    .selectFrom("machines")
    .select("hypervisor_id")
    .where("id", "=", machineId)
    .executeTakeFirst();
  return row?.hypervisor_id ?? undefined;
}

interface Found {
  readonly known: KnownMachine | undefined;
  /** For each of those that are asked. */
  readonly ms: number;
}

/**
 * Asks those to which a machine may have moved from `hypervisorId`, one beside the other, and writes down what they say that they have. One that does not answer
 * says nothing of where it is.
 */
export async function takeElsewhere(
  { store, driverPool, inventory }: Parts,
  { hypervisorId, address, ms }: Omit<Place, "machineId"> & Pick<Found, "ms">,
): Promise<void> {
  const others = await hypervisorsElsewhere(store.db, { hypervisorId, address });
  await Promise.allSettled(
    others.map(async (id) => {
      const found = await seek(driverPool, { id, address, ms });
      if (found !== undefined) await inventory.take(id, { known: [found], gone: [] });
    }),
  );
}

/** What one hypervisor says of a machine. */
export async function seek(
  driverPool: Parts["driverPool"],
  { id, address, ms }: { readonly id: string; readonly address: string; readonly ms: number },
): Promise<KnownMachine | undefined> {
  return await driverPool.seek(id, ms, async (driver, signal) => await driver.find(address, signal));
}
