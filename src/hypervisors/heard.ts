import { GatewayError } from "#wire/gateway-error.ts";
import type { HeardMachines, HypervisorDriver } from "./driver.ts";
import { PartSilent } from "./hypervisor-error.ts";

/** What a platform has, as far as its parts answer. Throws what listing throws. */
export async function listHeard(
  driver: Pick<HypervisorDriver, "list" | "listHeard">,
  signal: AbortSignal,
): Promise<HeardMachines> {
  if (driver.listHeard !== undefined) return await driver.listHeard(signal);
  return { machines: await driver.list(signal), silent: [], isUnheard: () => false };
}

/** Of what a driver throws: the part of its platform that has the machine does not answer. */
export function isPartSilent(error: unknown): boolean {
  return error instanceof GatewayError && error.cause instanceof PartSilent;
}
