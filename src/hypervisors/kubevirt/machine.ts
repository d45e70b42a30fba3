import type { KnownMachine, PowerState } from "../driver.ts";
import type { Instance, Machine } from "./answers.ts";
import { guestFamily } from "./guest-family.ts";

/** A VirtualMachine with its instance, if it has one, or an instance that somebody made without any. */
export interface Found {
  readonly machine: Machine | undefined;
  readonly instance: Instance | undefined;
}

/** The machine that an object is or belongs to: an instance is as good as new at each start, and its machine is not. */
export function addressOf({ metadata }: { readonly metadata: Machine["metadata"] }): string {
  const { namespace, ownerReferences = [] } = metadata;
  const { name, uid } = ownerReferences.find(({ kind }) => kind === "VirtualMachine") ?? metadata;
  return `${namespace}/${name}/${uid}`;
}

/** As which it would be known if it belonged to none. */
export function ownAddress({ metadata }: { readonly metadata: Machine["metadata"] }): string {
  return `${metadata.namespace}/${metadata.name}/${metadata.uid}`;
}

export function toKnown({ machine, instance }: Found): KnownMachine | undefined {
  const either = machine ?? instance;
  if (either === undefined) return undefined;
  const { namespace, name } = either.metadata;
  return {
    address: addressOf(either),
    // By namespace, so that rules can have it: shop/*=shop.
    name: `${namespace}/${name}`,
    power: powerOf({ machine, instance }),
    guest: guestFamily(machine, instance),
  };
}

function powerOf({ machine, instance }: Found): PowerState {
  if (machine !== undefined) return ofMachine(machine.status?.printableStatus);
  const { phase, conditions = [] } = instance?.status ?? {};
  if (phase === "Unknown") return "unknown";
  if (phase !== "Running") return "stopped";
  return conditions.some(({ type, status }) => type === "Paused" && status === "True") ? "paused" : "running";
}

/** VirtualMachinePrintableStatus: whatever is in none of these has no instance that runs. */
function ofMachine(status: string | undefined): PowerState {
  switch (status) {
    case "Running":
    case "Migrating":
    case "Stopping":
    case "Terminating":
      return "running";
    case "Paused":
      return "paused";
    case "Unknown":
      return "unknown";
    default:
      return "stopped";
  }
}

/** As virt-api judges before it connects anybody. */
export function isRunning({ instance }: Found): boolean {
  return instance?.status?.phase === "Running";
}

export function hasScreen(found: Found): boolean {
  return devicesOf(found)?.autoattachGraphicsDevice !== false;
}

export function hasSerial(found: Found): boolean {
  return devicesOf(found)?.autoattachSerialConsole !== false;
}

function devicesOf({ machine, instance }: Found) {
  return (instance?.spec ?? machine?.spec?.template?.spec)?.domain?.devices;
}
