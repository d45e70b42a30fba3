import type { Driver, DriverMachine } from "#hypervisors/driver.ts";
import { GatewayError } from "#wire/gateway-error.ts";

/** Throws `machine_not_running` when there is no console to open: no ticket is issued for a black screen. */
export async function requireConsole(driver: Driver, machine: DriverMachine): Promise<void> {
  const { running, protocols } = await driver.check(machine);
  if (!running) throw new GatewayError("machine_not_running");
  if (!protocols.includes(machine.protocol))
    throw new GatewayError("machine_not_running", { detail: `it has no ${machine.protocol} console now` });
}
