import type { Caller, Services } from "#control/services.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { administrators, type Right } from "./rights-world.ts";

const UNREACHABLE = {
  name: "host9",
  platform: "libvirt",
  address: "test:///default?socket=/nonesuch",
} as const;

const MEMBERS = { admin: "ok", insider: "ok", outsider: "not_found" } as const;

/** Those of hypervisors, and of the machines that come from them. */
export const HYPERVISOR_RIGHTS: readonly Right[] = [
  ["hypervisors.list", ({ services }, caller) => services.hypervisors.list(caller), administrators()],
  [
    "hypervisors.add",
    ({ services }, caller) =>
      services.hypervisors.add(caller, { name: "host7", platform: "libvirt", address: "qemu:///system" }),
    administrators(),
  ],
  [
    "hypervisors.test",
    async ({ services, admin }, caller) => {
      const { id } = await anyHypervisor(services, admin);
      await services.hypervisors.test(caller, id);
    },
    administrators(),
  ],
  [
    "hypervisors.remove",
    async ({ services, admin }, caller) => {
      const { id } = await anyHypervisor(services, admin);
      await services.hypervisors.remove(caller, id);
    },
    administrators(),
  ],
  [
    "hypervisors.update",
    async ({ services, admin }, caller) => {
      const { id } = await anyHypervisor(services, admin);
      const rules = [{ name: "*", project: "default" }];
      await services.hypervisors.update(caller, id, { rules, credentials: { sshKey: "another" } });
    },
    administrators(),
  ],
  [
    "machines.power",
    unlessByHand(({ services, machineId }, caller) => services.machines.power(caller, machineId, "start")),
    MEMBERS,
  ],
  [
    "machines.screenshot",
    unlessByHand(({ services, machineId }, caller) => services.machines.screenshot(caller, machineId)),
    MEMBERS,
  ],
  ["machines.waiting", ({ services }, caller) => services.machines.waiting(caller, {}), administrators()],
  [
    "machines.assign",
    ({ services, machineId }, caller) => services.machines.assign(caller, machineId, "default"),
    administrators(),
  ],
];

/** No hypervisor has it, which only those are told who may ask one. */
function unlessByHand(call: Right[1]): Right[1] {
  return async (world, caller) => {
    const told = await call(world, caller).catch((error: unknown) => error);
    if (!(told instanceof GatewayError && told.code === "no_hypervisor")) throw told;
  };
}

async function anyHypervisor({ hypervisors }: Services, admin: Caller): Promise<{ readonly id: string }> {
  const [there] = await hypervisors.list(admin);
  return there ?? (await hypervisors.add(admin, UNREACHABLE));
}
