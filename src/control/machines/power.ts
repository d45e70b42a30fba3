import { GatewayError } from "#wire/gateway-error.ts";
import type { PowerAction } from "#wire/power-action.ts";
import type { Actor, Audit } from "../audit/audit.ts";
import type { DriverPool } from "../hypervisors/driver-pool.ts";
import { findHypervisor } from "../hypervisors/hypervisor-row.ts";
import type { WhereIs } from "../hypervisors/whereabouts.ts";
import type { Store } from "../store/store.ts";
import type { MachineRow } from "./machine-row.ts";

interface Parts {
  readonly store: Store;
  readonly audit: Audit;
  readonly driverPool: Pick<DriverPool, "order">;
  readonly whereIs: WhereIs;
}

interface Order {
  readonly by: Actor;
  readonly machine: Pick<MachineRow, "id" | "name" | "address" | "hypervisor_id" | "hypervisor_read_only">;
  readonly action: PowerAction;
  /** In which a viewer gave it. */
  readonly sessionId?: string;
}

/**
 * Resolves when the machine's hypervisor has taken the order. The row of the audit log is written then, and not in one transaction
 * with it: no transaction is held open while a hypervisor thinks, and none could take back what it did.
 */
export async function orderPower(
  { store, audit, driverPool, whereIs }: Parts,
  { by, machine, action, sessionId }: Order,
): Promise<void> {
  const { id, name, address, hypervisor_id: hypervisorId } = machine;
  if (hypervisorId === null) throw new GatewayError("no_hypervisor");
  if (machine.hypervisor_read_only !== 0) throw new GatewayError("hypervisor_read_only");
  try {
    const { hypervisorId: now, power } = await whereIs({ machineId: id, hypervisorId, address });
    // It may be on its way to another: by the time that the order is there it would be stopped here, and be started a second time.
    if (action === "start" && (power === "running" || power === "paused"))
      throw new GatewayError("power_unfit", { detail: `it is ${power}` });
    if (now !== hypervisorId) await refuseReadOnly(store, now);
    await driverPool.order(now, async (driver, signal) => await driver.power(address, action, signal));
  } catch (error) {
    if (error instanceof GatewayError && error.code === "machine_not_running")
      throw new GatewayError("power_unfit", { cause: error, detail: error.detail });
    throw ofHypervisor(error);
  }
  const object = { kind: "machine", id, name } as const;
  const entry = { action: `machine.${action}`, by, object, sessionId } as const;
  await store.db.transaction().execute(async (db) => await audit.record(db, entry));
}

/** Of one that has moved, what holds where it is. */
async function refuseReadOnly(store: Store, hypervisorId: string): Promise<void> {
  const row = await findHypervisor(store.db, hypervisorId);
  if (row?.is_read_only === 1) throw new GatewayError("hypervisor_read_only");
}

/** Whether a machine's hypervisor can be asked at all. */
export function takesOrders({
  hypervisor_id: id,
  hypervisor_read_only: isReadOnly,
}: Pick<MachineRow, "hypervisor_id" | "hypervisor_read_only">): boolean {
  return id !== null && isReadOnly === 0;
}

/** The error of a driver that was asked for no console: of those alone its own words are. */
export function ofHypervisor(error: unknown): unknown {
  if (!(error instanceof GatewayError)) return error;
  const options = { cause: error, detail: error.detail };
  switch (error.code) {
    case "upstream_unreachable":
    case "upstream_name_unresolved":
      return new GatewayError("hypervisor_unreachable", options);
    case "upstream_refused":
      return new GatewayError("hypervisor_refused", options);
    default:
      return error;
  }
}
