import type { Driver, DriverMachine, MachineCheck } from "#hypervisors/driver.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { ConsoleProtocol } from "#wire/grant.ts";

/** The machine runs, and has no console of that protocol: now, where that is its screen's and it has nothing else, and else none at all. */
class NoSuchConsole extends GatewayError {
  constructor(
    protocol: ConsoleProtocol,
    { protocols: others, withheld }: Pick<MachineCheck, "protocols" | "withheld">,
  ) {
    if (protocol === "rfb" && others.length === 0)
      super("machine_not_running", { detail: "it has no rfb console now" });
    else super("console_unavailable", { detail: withheld ?? `it has no ${protocol} console` });
  }
}

/** Whether an error says that, for APIs that tell it from a machine that does not run. */
export function lacksConsole(error: unknown): boolean {
  return error instanceof NoSuchConsole;
}

/**
 * Throws `machine_not_running` when there is no console to open: no ticket is issued for a black screen. Resolves to what
 * is to be known of the console before a node is chosen for it.
 */
export async function requireConsole(
  driver: Driver,
  machine: DriverMachine,
): Promise<{ readonly isExclusive: boolean }> {
  const check = await driver.check(machine);
  const { running, protocols, isExclusive = false } = check;
  if (!running) throw new GatewayError("machine_not_running");
  if (!protocols.includes(machine.protocol)) throw new NoSuchConsole(machine.protocol, check);
  return { isExclusive };
}
