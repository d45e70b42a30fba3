import type { GuestFamily, KnownMachine, PowerState } from "../driver.ts";
import type { GuestMetrics, Vm } from "./records.ts";

/** Templates, snapshots and the hosts' own domains are VMs of XAPI as well. */
export function isMachine({ is_a_template, is_a_snapshot, is_control_domain }: Vm): boolean {
  return !is_a_template && !is_a_snapshot && !is_control_domain;
}

/** What of a VM is shown, apart from its guest. */
export type ShownVm = Pick<Vm, "uuid" | "name_label" | "power_state">;

export function toKnown(vm: ShownVm, metrics: GuestMetrics | undefined): KnownMachine {
  return {
    address: vm.uuid.toLowerCase(),
    name: vm.name_label,
    power: toPower(vm.power_state),
    guest: guestFamily(metrics?.os_version),
  };
}

/** A machine that is suspended lies on a disk, and has no console. */
export function toPower(state: string): PowerState {
  switch (state) {
    case "Running":
      return "running";
    case "Paused":
      return "paused";
    case "Halted":
    case "Suspended":
      return "stopped";
    default:
      return "unknown";
  }
}

const FAMILIES: readonly (readonly [RegExp, GuestFamily])[] = [
  [/windows/i, "windows"],
  [/bsd|pfsense|opnsense/i, "bsd"],
  [/solaris|illumos|omnios|smartos/i, "other"],
  [/\S/, "linux"],
];

/** What the guest's own tools told the host; nothing, where it has none. Those that are named nowhere here are Linux. */
function guestFamily(os: GuestMetrics["os_version"] | undefined): GuestFamily {
  const said = [os?.["distro"], os?.["name"], os?.["uname"]].filter((each) => each !== undefined).join(" ");
  return FAMILIES.find(([pattern]) => pattern.test(said))?.[1] ?? "unknown";
}
