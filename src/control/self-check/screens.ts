import { sql } from "kysely";
import type { CheckedScreen } from "#wire/link-self-check.ts";
import { selfCheckLimits } from "#wire/self-check.ts";
import { type Drivers, driverOf } from "../machines/driver-machine.ts";
import type { Store } from "../store/store.ts";

const limits = {
  /** Machines of a pool that are gone through for hypervisors that differ. */
  machines: 2_000,
} as const;

export interface Screens {
  /** One of each hypervisor. */
  readonly screens: readonly CheckedScreen[];
  /** Hypervisors beyond those. */
  readonly leftOut: number;
}

/**
 * The screens by which nodes of a pool are to see whether they reach its hypervisors: of each host one machine that runs. Of more
 * than one run takes it is left to chance which, so that each has its turn. The driver is asked where it is, as for a console,
 * and is told nothing secret, so nobody is.
 */
export async function screensOf(
  { store, drivers }: { readonly store: Store; readonly drivers: Drivers },
  pool: string,
): Promise<Screens> {
  const machines = await store.db
    .selectFrom("machines")
    .select(["id", "name", "driver", "protocol", "address", "state"])
    .where("pool", "=", pool)
    .where("state", "=", "running")
    .orderBy(sql`random()`)
    .limit(limits.machines)
    .execute();
  const byHost = new Map<string, CheckedScreen>();
  for (const { driver, name, ...machine } of machines) {
    if (!drivers.has(driver)) continue;
    const { address } = await driverOf(drivers, driver).resolve({ ...machine, password: undefined });
    const host = address.kind === "unix" ? address.path : address.host;
    if (!byHost.has(host)) byHost.set(host, { machine: name, address });
  }
  const taken = [...byHost].slice(0, selfCheckLimits.hypervisors);
  return {
    screens: taken.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, screen]) => screen),
    leftOut: byHost.size - taken.length,
  };
}
