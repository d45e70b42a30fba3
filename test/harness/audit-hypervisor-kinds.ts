import type { AuditAction } from "#wire/audit.ts";
import { POWER_ACTIONS } from "#wire/power-action.ts";
import { by, idOf, type Kind } from "./audit-world.ts";
import { commandHypervisor } from "./command-hypervisor.ts";

/** Those of hypervisors, and of the machines that come from them. */
export const HYPERVISOR_KINDS: Readonly<Partial<Record<AuditAction, Kind>>> = {
  "hypervisor.add": async ({ control, admin }) => ({
    act: () =>
      control.services.hypervisors.add(admin, {
        name: "host7",
        platform: "libvirt",
        address: "qemu:///system",
      }),
    row: (made) => ({
      ...by(admin),
      object: { kind: "hypervisor", id: idOf(made), name: "host7" },
      detail: "libvirt qemu:///system",
    }),
  }),
  "hypervisor.remove": async ({ control, admin }) => {
    const address = "qemu+tls://host8/system";
    const { id } = await control.services.hypervisors.add(admin, {
      name: "host8",
      platform: "libvirt",
      address,
    });
    return {
      act: () => control.services.hypervisors.remove(admin, id),
      row: () => ({
        ...by(admin),
        object: { kind: "hypervisor", id, name: "host8" },
        detail: `libvirt ${address}`,
      }),
    };
  },
  "hypervisor.update": async ({ control, admin }) => {
    const address = "qemu+tls://host9/system";
    const { id } = await control.services.hypervisors.add(admin, {
      name: "host9",
      platform: "libvirt",
      address,
    });
    const rules = [
      { name: "web-*", project: "default" },
      { name: "*", project: "default" },
    ];
    const way = { name: "host10", address: "qemu:///system", credentials: { clientKey: null } };
    return {
      act: () =>
        control.services.hypervisors.update(admin, id, { rules, ...way, consoleTls: { mode: "insecure" } }),
      row: () => ({
        ...by(admin),
        object: { kind: "hypervisor", id, name: "host10" },
        detail:
          "rules web-*=default *=default name address qemu:///system credentials clientKey consoleTls insecure",
      }),
    };
  },
  ...Object.fromEntries(
    POWER_ACTIONS.map((action): [string, Kind] => [
      `machine.${action}`,
      async ({ control, admin }) => {
        const power = action === "start" ? "stopped" : "running";
        const { id, name } = (await commandHypervisor(control, { power })).machine;
        return {
          act: () => control.services.machines.power(admin, id, action),
          row: () => ({ ...by(admin), object: { kind: "machine", id, name } }),
        };
      },
    ]),
  ),
  "machine.screenshot": async ({ control, admin }) => {
    const { id, name } = (await commandHypervisor(control)).machine;
    return {
      act: () => control.services.machines.screenshot(admin, id),
      row: () => ({ ...by(admin), object: { kind: "machine", id, name } }),
    };
  },
  "machine.assign": async ({ control, admin, machine }) => {
    const { id } = await control.services.projects.add(admin, { name: "lab" });
    return {
      act: () => control.services.machines.assign(admin, machine.id, id),
      row: () => ({ ...by(admin), object: { kind: "machine", ...machine }, detail: "lab" }),
    };
  },
};
