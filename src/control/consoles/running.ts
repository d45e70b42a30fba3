import type { Driver, DriverMachine } from "#hypervisors/driver.ts";
import { GatewayError } from "#wire/gateway-error.ts";

/**
 * Throws `machine_not_running` when there is no console to open: no ticket is issued for a black screen. Resolves to what
 * is to be known of the console before a node is chosen for it.
 */
export async function requireConsole(
  driver: Driver,
  machine: DriverMachine,
): Promise<{ readonly isExclusive: boolean }> {
  const { running, protocols, isExclusive = false } = await driver.check(machine);
  if (!running) throw new GatewayError("machine_not_running");
  if (!protocols.includes(machine.protocol))
    throw new GatewayError("machine_not_running", { detail: `it has no ${machine.protocol} console now` });
  return { isExclusive };
}
