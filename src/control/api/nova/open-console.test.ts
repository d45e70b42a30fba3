import assert from "node:assert/strict";
import { test } from "node:test";
import type { Driver, DriverMachine } from "#hypervisors/driver.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import { requireConsole } from "../../consoles/running.ts";
import type { NovaCall } from "./call.ts";
import { fromCatalogue, NovaFault } from "./fault.ts";
import { openConsole } from "./open-console.ts";

const ID = "1f3c1b0e-0000-4000-8000-000000000001";

/** The error of a machine that runs, and has those consoles alone. */
async function lacking(...protocols: readonly ("serial" | "rfb")[]): Promise<unknown> {
  const driver: Pick<Driver, "check"> = { check: async () => ({ running: true, protocols }) };
  const machine: Pick<DriverMachine, "protocol"> = { protocol: "rfb" };
  return await requireConsole(driver as Driver, machine as DriverMachine).catch((error: unknown) => error);
}

const CASES: Readonly<
  Record<string, readonly [() => unknown, status: number, name: string, message: string | RegExp]>
> = {
  "is gone": [
    () => new GatewayError("machine_gone"),
    ...([404, "itemNotFound", `Instance ${ID} could not be found.`] as const),
  ],
  "does not run": [
    () => new GatewayError("machine_not_running"),
    ...([409, "conflictingRequest", `Instance ${ID} is not ready`] as const),
  ],
  "runs, and has no screen now": [
    async () => await lacking(),
    ...([400, "badRequest", "Unavailable console type novnc."] as const),
  ],
  "runs, and has a line alone": [
    async () => await lacking("serial"),
    ...([400, "badRequest", "Unavailable console type novnc."] as const),
  ],
  "is being moved": [
    () => new GatewayError("machine_moved"),
    ...([409, "conflictingRequest", /^This machine has moved: .* Open the console again/] as const),
  ],
  "is another's to work at": [
    () => new GatewayError("forbidden"),
    ...([
      403,
      "forbidden",
      "Policy doesn't allow os_compute_api:os-remote-consoles to be performed.",
    ] as const),
  ],
  "is at a hypervisor that does not answer": [
    () => new GatewayError("hypervisor_unreachable"),
    ...([502, "computeFault", /^The machine's hypervisor cannot be reached/] as const),
  ],
  "breaks something here": [
    () => new Error("a secret of ours"),
    ...([
      500,
      "computeFault",
      /^Unexpected API Error\. (?!.*secret).* with the reference a-reference\.$/,
    ] as const),
  ],
  "finds no node": [
    () => new GatewayError("no_node_available"),
    ...([503, "serviceUnavailable", /^No console node is ready/] as const),
  ],
};

for (const [what, [thrown, status, name, message]] of Object.entries(CASES))
  test(`a machine that ${what} is a fault of Nova's with the status ${status}`, async () => {
    const error = await thrown();
    const consoles = {
      open: async () => {
        throw error;
      },
    };
    const call = { services: { consoles } } as unknown as NovaCall;

    const fault = await openConsole(call, { serverId: ID, protocol: "vnc", type: "novnc" }).catch(
      (cause: unknown) =>
        cause instanceof NovaFault ? cause : fromCatalogue(toGatewayError(cause), "a-reference"),
    );

    assert.ok(fault instanceof NovaFault);
    const [entry] = Object.entries(fault.body as Readonly<Record<string, { code: number; message: string }>>);
    assert.deepEqual([fault.status, entry?.[0], entry?.[1].code], [status, name, status]);
    if (typeof message === "string") assert.equal(entry?.[1].message, message);
    else assert.match(entry?.[1].message ?? "", message);
  });
