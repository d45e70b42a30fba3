import { sql } from "kysely";
import type { Log } from "#base/process/log.ts";
import type { Driver } from "#hypervisors/driver.ts";
import { toGatewayError } from "#wire/gateway-error.ts";
import type { CheckedScreen } from "#wire/link-self-check.ts";
import { type CheckName, type Seen, selfCheckLimits } from "#wire/self-check.ts";
import type { Drivers } from "../machines/driver-machine.ts";
import type { Store } from "../store/store.ts";

const limits = {
  /** Machines of a pool that are gone through for hypervisors that differ. */
  machines: 2_000,
  /** For all that drivers are asked of a pool: nodes are yet to look, while somebody waits. */
  askMs: 5_000,
  /** A driver that has failed so often is asked no more. */
  failures: 3,
  /** Machines of one hypervisor, which is asked for each: most are one host. */
  ofHypervisor: 5,
} as const;

export interface Screens {
  /** One of each hypervisor. */
  readonly screens: readonly CheckedScreen[];
  /** What of the pool no node is to look at, and why. */
  readonly remarks: readonly Seen<CheckName>[];
}

interface Asked {
  readonly byHost: ReadonlyMap<string, CheckedScreen>;
  readonly remarks: readonly Seen<CheckName>[];
}

type Machine = Pick<Parameters<Driver["resolve"]>[0], "id" | "protocol" | "address" | "state"> & {
  readonly name: string;
  readonly hypervisor_id: string | null;
};

/**
 * The screens by which nodes of a pool are to see whether they reach its hypervisors: of each host one machine that runs. Of more
 * than one run takes it is left to chance which, so that each has its turn. The driver is asked where it is, as for a console,
 * and is told nothing secret, so nobody is. One that fails or is silent is told of, and keeps none of the others.
 */
export async function screensOf(
  { store, drivers, log }: { readonly store: Store; readonly drivers: Drivers; readonly log: Log },
  pool: string,
  { askMs = limits.askMs }: { readonly askMs?: number } = {},
): Promise<Screens> {
  const machines = await store.db
    .selectFrom("machines")
    .select(["id", "name", "driver", "protocol", "address", "state", "hypervisor_id"])
    .where("pool", "=", pool)
    .where("state", "=", "running")
    .where("protocol", "=", "rfb")
    .orderBy(sql`random()`)
    .limit(limits.machines)
    .execute();
  const late = AbortSignal.timeout(askMs);
  const asked = await Promise.all(
    groups(machines).map(async ({ name, own }): Promise<Asked> => {
      const driver = drivers.get(name);
      if (driver === undefined) return { byHost: new Map(), remarks: [] };
      return await askDriver({ name, driver, log, late }, own, pool);
    }),
  );
  const byHost = new Map(asked.flatMap((each) => [...each.byHost]));
  const taken = [...byHost].slice(0, selfCheckLimits.hypervisors);
  const leftOut = byHost.size - taken.length;
  return {
    screens: taken.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, screen]) => screen),
    remarks: [
      ...asked.flatMap(({ remarks }) => remarks),
      ...(leftOut === 0 ? [] : [remark(pool, "skipped_more_hypervisors", { "left out": String(leftOut) })]),
    ],
  };
}

/** Those of one hypervisor by themselves, so that one which is silent keeps none of the others; and the rest by their driver. */
function groups<Row extends Machine & { readonly driver: string }>(machines: readonly Row[]) {
  const alike = Map.groupBy(machines, ({ driver, hypervisor_id: id }) => id ?? driver);
  return [...alike.values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    const isAsked = first.hypervisor_id !== null;
    return [{ name: first.driver, own: isAsked ? own.slice(0, limits.ofHypervisor) : own }];
  });
}

interface Asking {
  readonly name: string;
  readonly driver: Driver;
  readonly log: Log;
  /** When it is asked no more. */
  readonly late: AbortSignal;
}

/** Where the machines of one driver are, as far as it says so. */
async function askDriver(
  { name, driver, log, late }: Asking,
  machines: readonly Machine[],
  pool: string,
): Promise<Asked> {
  const byHost = new Map<string, CheckedScreen>();
  const remarks: Seen<CheckName>[] = [];
  for (const [index, { name: machine, hypervisor_id: id, ...own }] of machines.entries()) {
    const rest = { "left out": `${machines.length - index} / ${machines.length}` };
    if (remarks.length >= limits.failures) {
      remarks.push(remark(machine, "skipped_earlier", { pool, ...rest }));
      break;
    }
    try {
      const record = { ...own, password: undefined, hypervisorId: id ?? undefined };
      const upstream = await before(late, driver.look?.(record) ?? driver.resolve(record));
      if (upstream === undefined) continue;
      const { address } = upstream;
      // Within TLS or HTTP nobody speaks first, so there is nothing to be heard there.
      if (address.kind !== "tcp" && address.kind !== "unix") continue;
      const host = address.kind === "unix" ? address.path : address.host;
      if (!byHost.has(host)) byHost.set(host, { machine, address });
    } catch (error) {
      if (late.aborted) {
        remarks.push(remark(machine, "check_out_of_time", { pool, ...rest }));
        break;
      }
      const { code, message: reason } = toGatewayError(error);
      // It stopped or went since it was written down: there is no screen to look at, and nothing amiss.
      if (code === "machine_not_running" || code === "machine_gone") continue;
      log.warn({ driver: name, machineId: own.id, error }, "A driver does not say where a console is");
      remarks.push(remark(machine, "hypervisor_unasked", { pool, reason }));
    }
  }
  return { byHost, remarks };
}

/** What it comes to, or rejects once the signal aborts: drivers are given none. */
async function before<Value>(late: AbortSignal, promise: Promise<Value>): Promise<Value> {
  late.throwIfAborted();
  const { promise: over, reject } = Promise.withResolvers<never>();
  const abort = () => reject(late.reason);
  late.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, over]);
  } finally {
    late.removeEventListener("abort", abort);
  }
}

function remark(subject: string, finding: string, facts: Readonly<Record<string, string>>): Seen<CheckName> {
  return { check: "node.hypervisor", subject, finding, facts };
}
