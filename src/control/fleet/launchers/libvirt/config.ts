import { isAbsolute } from "node:path";
import { type Field, text } from "#base/config.ts";
import type { DomainNetwork } from "./domain.ts";

/** What control must know to launch system VMs: POOL=libvirt. */
export const LIBVIRT_FIELDS = {
  libvirtUri: {
    env: "PORTHOLE_CONTROL_LIBVIRT_URI",
    doc: "For POOL=libvirt: where libvirt is, as virsh has it, such as qemu+ssh://porthole@host7/system.",
    placeholder: "URI",
    parse: text,
    fallback: "qemu:///system",
  },
  libvirtImage: {
    env: "PORTHOLE_CONTROL_LIBVIRT_IMAGE",
    doc: "The folder on libvirt's host with the image that deploy/system-vm/build made.",
    placeholder: "DIR",
    parse: absolute,
    fallback: "/var/lib/porthole/system-vm",
  },
  libvirtStoragePool: {
    env: "PORTHOLE_CONTROL_LIBVIRT_STORAGE_POOL",
    doc: "libvirt's storage pool for the two small disks of each system VM.",
    placeholder: "NAME",
    parse: text,
    fallback: "default",
  },
  libvirtNetwork: {
    env: "PORTHOLE_CONTROL_LIBVIRT_NETWORK",
    doc: "Where system VMs are connected to: a network of libvirt's, or a bridge of its host.",
    placeholder: "network:NAME|bridge:NAME",
    parse: network,
    fallback: { kind: "network", name: "default" },
  } satisfies Field<DomainNetwork>,
  libvirtConsoleLogs: {
    env: "PORTHOLE_CONTROL_LIBVIRT_CONSOLE_LOGS",
    doc: "The folder on libvirt's host for what system VMs print, their nodes' logs included.",
    placeholder: "DIR",
    parse: absolute,
    fallback: "/var/log/libvirt/qemu",
  },
  libvirtMemory: {
    env: "PORTHOLE_CONTROL_LIBVIRT_MEMORY",
    doc: "Memory of a system VM, in MiB.",
    placeholder: "NUMBER",
    parse: between(256, 65_536),
    fallback: 1024,
  },
  libvirtVcpus: {
    env: "PORTHOLE_CONTROL_LIBVIRT_VCPUS",
    doc: "Processors of a system VM; a node takes about one.",
    placeholder: "NUMBER",
    parse: between(1, 64),
    fallback: 2,
  },
  libvirtDomainType: {
    env: "PORTHOLE_CONTROL_LIBVIRT_DOMAIN_TYPE",
    doc: "kvm, or qemu for a host without it, where everything is emulated and slow.",
    placeholder: "TYPE",
    parse: domainType,
    fallback: "kvm",
  } satisfies Field<"kvm" | "qemu">,
  libvirtStopSeconds: {
    env: "PORTHOLE_CONTROL_LIBVIRT_STOP_SECONDS",
    doc: "How long a system VM may take to switch off, its drain included, until it is cut off.",
    placeholder: "NUMBER",
    parse: between(1, 7 * 24 * 3600),
    fallback: 3660,
  },
} as const;

function network(value: string): DomainNetwork {
  if (value === "user") return { kind: "user" };
  const [, kind, name] = /^(network|bridge):([\w.-]{1,100})$/.exec(value) ?? [];
  if ((kind !== "network" && kind !== "bridge") || name === undefined)
    throw new Error("must be network:NAME, bridge:NAME, or user");
  return { kind, name };
}

function absolute(value: string): string {
  if (!isAbsolute(value)) throw new Error("must be an absolute path: it is one of libvirt's host");
  return value.replace(/\/+$/, "");
}

function domainType(value: string): "kvm" | "qemu" {
  if (value !== "kvm" && value !== "qemu") throw new Error("must be kvm or qemu");
  return value;
}

function between(least: number, most: number): (value: string) => number {
  return (value) => {
    const parsed = /^\d{1,9}$/.test(value) ? Number(value) : -1;
    if (parsed < least || parsed > most) throw new Error(`must be a number from ${least} to ${most}`);
    return parsed;
  };
}
