import { HypervisorError } from "../hypervisor-error.ts";
import type { KubeVirtObject } from "./answers.ts";
import { addressOf, ownAddress, toKnown } from "./machine.ts";
import type { Kind } from "./machines.ts";

const limits = {
  /** More machines than control takes in of one hypervisor. */
  machines: 25_000,
  /**
   * From the first news of a machine until it is told. Its two objects change one behind the other, its instance and then its own, as
   * KubeVirt's controllers come to them.
   */
  settleMs: 250,
} as const;

/** What watches have told of a cluster's objects. Those machines are told on that look otherwise than before, once for both of their objects. */
export class SeenMachines {
  readonly #onChange: (address: string) => void;
  readonly #settleMs: number;
  /** By address of the machine. */
  readonly #objects = new Map<string, { readonly [Which in Kind]?: KubeVirtObject }>();
  /** How those look that were told, or that were there. */
  readonly #shown = new Map<string, string>();
  readonly #touched = new Set<string>();
  #tells = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(onChange: (address: string) => void, settleMs: number = limits.settleMs) {
    this.#onChange = onChange;
    this.#settleMs = settleMs;
  }

  /** All that there is of a kind. */
  replace(kind: Kind, objects: readonly KubeVirtObject[]): void {
    for (const [address, { [kind]: gone, ...rest }] of this.#objects)
      if (gone !== undefined) this.#set(address, rest);
    for (const object of objects) this.put(kind, object);
  }

  /** Throws a HypervisorError of too many. */
  put(kind: Kind, object: KubeVirtObject): void {
    const address = addressOf(object);
    this.#set(address, { ...this.#objects.get(address), [kind]: kept(object) });
    if (this.#objects.size > limits.machines)
      throw new HypervisorError("answer", `it tells of more than ${limits.machines} machines`);
  }

  remove(kind: Kind, object: KubeVirtObject): void {
    const address = addressOf(object);
    const { [kind]: there, ...rest } = this.#objects.get(address) ?? {};
    // What was made in its place may have been told of before.
    if (there?.metadata.uid === object.metadata.uid) this.#set(address, rest);
  }

  /** What there was before is told to nobody: all that changes from now on is. */
  begin(): void {
    for (const address of this.#take()) this.#look(address);
    this.#tells = true;
  }

  stop(): void {
    this.#tells = false;
    this.#take();
  }

  #set(address: string, objects: { readonly [Which in Kind]?: KubeVirtObject }): void {
    if (Object.keys(objects).length === 0) this.#objects.delete(address);
    else this.#objects.set(address, objects);
    this.#touched.add(address);
    if (!this.#tells) return;
    this.#timer ??= setTimeout(() => this.#tell(), this.#settleMs).unref();
  }

  #tell(): void {
    for (const address of this.#take()) if (this.#look(address)) this.#onChange(address);
  }

  #take(): readonly string[] {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const touched = [...this.#touched];
    this.#touched.clear();
    return touched;
  }

  /** Whether it looks otherwise than before. */
  #look(address: string): boolean {
    const { machines: machine, instances: instance } = this.#objects.get(address) ?? {};
    // What belongs to a machine that is deleted just now goes with it.
    const isThere = machine !== undefined || (instance !== undefined && ownAddress(instance) === address);
    const now = isThere ? JSON.stringify(toKnown({ machine, instance })) : undefined;
    if (this.#shown.get(address) === now) return false;
    if (now === undefined) this.#shown.delete(address);
    else this.#shown.set(address, now);
    return true;
  }
}

const OS = "vm.kubevirt.io/os";

/** As much of it as says how its machine looks: all of it is some kilobytes. */
function kept({ metadata, spec, status }: KubeVirtObject): KubeVirtObject {
  const { name, namespace, uid, resourceVersion, ownerReferences } = metadata;
  const { preference, template } = spec ?? {};
  const { printableStatus, phase, guestOSInfo, conditions } = status ?? {};
  const owners = ownerReferences?.map(({ kind, name, uid }) => ({ kind, name, uid }));
  return {
    metadata: {
      ...{ name, namespace, uid, resourceVersion, ...os(metadata) },
      ...(owners === undefined ? {} : { ownerReferences: owners }),
    },
    spec: {
      ...(preference?.name === undefined ? {} : { preference: { name: preference.name } }),
      template: { metadata: os(template?.metadata ?? {}) },
    },
    status: {
      ...(printableStatus === undefined ? {} : { printableStatus }),
      ...(phase === undefined ? {} : { phase }),
      ...(guestOSInfo === undefined ? {} : { guestOSInfo }),
      ...(conditions === undefined
        ? {}
        : { conditions: conditions.map(({ type, status }) => ({ type, status })) }),
    },
  };
}

function os({ labels, annotations }: Pick<KubeVirtObject["metadata"], "labels" | "annotations">) {
  const [label, annotation] = [labels?.[OS], annotations?.[OS]];
  return {
    ...(label === undefined ? {} : { labels: { [OS]: label } }),
    ...(annotation === undefined ? {} : { annotations: { [OS]: annotation } }),
  };
}
