import { GatewayError, printable } from "#wire/gateway-error.ts";
import type { HeardMachines, KnownMachine, PowerState } from "../driver.ts";
import { HypervisorError, PartSilent } from "../hypervisor-error.ts";
import { inTurns } from "../in-turns.ts";
import type { MachineConfig, Resource } from "./answers.ts";
import { NoSuchMachine, type ProxmoxClient } from "./client.ts";
import { guestFamily } from "./guest-family.ts";
import { addressOf, parseMachineAddress } from "./machine-address.ts";

const limits = {
  /** Configurations that are asked for at once: pveproxy has three processes to answer, on a node that has other things to do. */
  configsAtOnce: 4,
  /** How often one is looked for that is not where it was. */
  moves: 2,
} as const;

/** What is known of a machine but for whether it runs. */
type Known = Omit<KnownMachine, "power">;

/** A machine as it is at this moment. */
export interface Machine {
  readonly known: Known;
  readonly status: string;
  readonly config: MachineConfig;
  /** Of all that can be asked about it. */
  readonly path: string;
}

interface Remembered {
  /** As the list had it when its configuration was read. */
  readonly resource: Resource;
  /** Undefined: nothing tells it from one that gets its number after it. */
  readonly known: Known | undefined;
}

/** One round through the machines. */
interface Reading {
  /** Nodes that do not answer, those that are found out meanwhile added. */
  readonly silent: Set<string>;
  /** The VMIDs of machines that could not be asked for. */
  readonly unheard: Set<number>;
  readonly signal: AbortSignal;
}

/** The machines of a cluster. Lists have no more of them than a number, so each one's configuration is read too. */
export class Machines {
  readonly #client: ProxmoxClient;
  /** By VMID: only for glances, for somebody may have deleted the machine, and given its number to another one. */
  #remembered = new Map<number, Remembered>();
  /** Where each was last, so that the whole list is not asked for whenever one is looked at. */
  #nodes = new Map<number, string>();

  constructor(client: ProxmoxClient) {
    this.#client = client;
  }

  /** As they are, all of those nodes that answer. */
  async list(signal: AbortSignal): Promise<HeardMachines> {
    await this.#requireSight(signal);
    const resources = await this.#resources(signal);
    const reading = { ...toReading(await this.#offline(signal), signal), isFresh: true };
    const remembered = await this.#remember(resources, reading);
    const { silent, unheard } = reading;
    const nodes = [...new Set(resources.map(({ node }) => node))].filter((node) => !silent.has(node));
    const statuses = await inTurns(nodes, limits.configsAtOnce, (node) => this.#statusesOf(node, signal));
    const now = new Map(statuses.flat());
    const heard = remembered.filter(({ resource: { vmid } }) => !unheard.has(vmid));
    return {
      machines: toMachines(heard, ({ vmid, status }) => now.get(vmid) ?? status),
      silent: [...silent].sort(),
      isUnheard: (address) => unheard.has(parseMachineAddress(address).vmid),
    };
  }

  /** As they were some seconds ago, in one question if nothing has changed. Those of nodes that do not answer are as they were before. */
  async glance(signal: AbortSignal): Promise<readonly KnownMachine[]> {
    const resources = await this.#resources(signal);
    const isAsItWas = (resource: Resource) => {
      const last = this.#remembered.get(resource.vmid);
      return last !== undefined && isAsBefore(resource, last);
    };
    const silent = resources.every(isAsItWas) ? new Set<string>() : await this.#offline(signal);
    const remembered = await this.#remember(resources, { ...toReading(silent, signal), isFresh: false });
    return toMachines(remembered, ({ status }) => status);
  }

  /** The one that has this address. Throws `machine_gone`. */
  async require(address: string, signal: AbortSignal): Promise<Machine> {
    const { vmid } = parseMachineAddress(address);
    // One that has moved since it was seen, or just now, is looked for once more.
    for (let tried = 0; ; tried += 1) {
      const last = tried === 0 ? this.#nodes.get(vmid) : undefined;
      const node = last ?? (await this.#nodeOf(vmid, signal));
      if (node === undefined) throw new GatewayError("machine_gone");
      try {
        const machine = await this.#at({ node, vmid }, { address, signal });
        this.#nodes.set(vmid, node);
        return machine;
      } catch (error) {
        this.#nodes.delete(vmid);
        // A machine of a node that is down may have been started at another one.
        const mayBeElsewhere = error instanceof PartSilent && last !== undefined;
        if (!(error instanceof NoSuchMachine) && !mayBeElsewhere) throw error;
        if (tried === limits.moves) throw new GatewayError("machine_gone", { cause: error });
      }
    }
  }

  async #at(
    { node, vmid }: Pick<Resource, "node" | "vmid">,
    { address, signal }: { readonly address: string; readonly signal: AbortSignal },
  ): Promise<Machine> {
    const path = `/nodes/${node}/qemu/${vmid}`;
    const [{ data: config }, { data }] = await Promise.all([
      this.#client.ask("config", { path: `${path}/config?current=1`, signal }),
      this.#client.ask("status", { path: `${path}/status/current`, signal }),
    ]);
    const known = toKnown(vmid, config);
    // The number is another machine's by now.
    if (known?.address !== address) throw new GatewayError("machine_gone");
    return { known, status: data.status, config, path };
  }

  async #nodeOf(vmid: number, signal: AbortSignal): Promise<string | undefined> {
    return (await this.#resources(signal)).find((each) => each.vmid === vmid)?.node;
  }

  async #resources(signal: AbortSignal): Promise<readonly Resource[]> {
    const { data } = await this.#client.ask("resources", { path: "/cluster/resources?type=vm", signal });
    const machines = data.filter(({ type, template }) => type === "qemu" && !template);
    if (new Set(machines.map(({ vmid }) => vmid)).size < machines.length)
      throw new HypervisorError("answer", "it has two machines of one number");
    return machines;
  }

  /** The nodes of which the cluster knows that they are down: each question about one would be answered when it was tried for half a minute. */
  async #offline(signal: AbortSignal): Promise<Set<string>> {
    const { data } = await this.#client.ask("nodes", { path: "/nodes", signal });
    return new Set(data.filter(({ status }) => status === "offline").map(({ node }) => node));
  }

  /** Where a token sees nothing it is told of no machine, which is not to mean that all are gone. */
  async #requireSight(signal: AbortSignal): Promise<void> {
    const { data } = await this.#client.ask("permissions", { path: "/access/permissions", signal });
    const seesSome = Object.values(data).some((privileges) => "VM.Audit" in privileges);
    if (!seesSome)
      throw new HypervisorError(
        "rights",
        "the API token may look at no machine: it needs VM.Audit, for itself where its privileges are separate from its user's",
      );
  }

  /** What is known of machines that cannot be asked for is kept as it is. */
  async #remember(
    resources: readonly Resource[],
    { isFresh, ...reading }: Reading & { readonly isFresh: boolean },
  ): Promise<readonly Remembered[]> {
    const before = this.#remembered;
    const all = await inTurns(resources, limits.configsAtOnce, async (resource) => {
      const last = before.get(resource.vmid);
      if (!isFresh && last !== undefined && isUntold(resource)) return last;
      if (!isFresh && last !== undefined && isAsBefore(resource, last)) return { ...last, resource };
      const read = await this.#read(resource, reading);
      return read === "unheard" ? last : read;
    });
    const there = all.filter((each) => each !== undefined);
    this.#remembered = new Map(there.map((each) => [each.resource.vmid, each]));
    this.#nodes = new Map(there.map(({ resource: { vmid, node } }) => [vmid, node]));
    return there;
  }

  /** Undefined where it has gone meanwhile. Of a node that does not answer no other machine is asked for. */
  async #read(resource: Resource, reading: Reading): Promise<Remembered | "unheard" | undefined> {
    const { node, vmid } = resource;
    const { silent, unheard, signal } = reading;
    if (silent.has(node)) {
      unheard.add(vmid);
      return "unheard";
    }
    try {
      const path = `/nodes/${node}/qemu/${vmid}/config?current=1`;
      const { data: config } = await this.#client.ask("config", { path, signal });
      return { resource, known: toKnown(vmid, config) };
    } catch (error) {
      if (error instanceof PartSilent) silent.add(node);
      else if (!(error instanceof NoSuchMachine)) throw error;
    }
    // Either it is gone, or it has just moved, or its node is silent: the list says which.
    const now = await this.#nodeOf(vmid, signal);
    if (now === undefined) return undefined;
    if (now === node && !silent.has(node))
      throw new HypervisorError("answer", "it lists a machine where it says that it has none");
    return await this.#read({ ...resource, node: now }, reading);
  }

  async #statusesOf(node: string, signal: AbortSignal): Promise<readonly (readonly [number, string])[]> {
    try {
      const { data } = await this.#client.ask("machines", { path: `/nodes/${node}/qemu`, signal });
      return data.map(({ vmid, status }) => [vmid, status] as const);
    } catch (error) {
      if (error instanceof PartSilent) return [];
      throw error;
    }
  }
}

function toReading(silent: Set<string>, signal: AbortSignal): Reading {
  return { silent, unheard: new Set(), signal };
}

/** Its node is down, or is back and has said nothing of its machines yet. */
function isUntold({ status }: Resource): boolean {
  return status === "unknown";
}

/** Where a number may have come to another machine, something of this is another too: that one is made, and starts. */
function isAsBefore(now: Resource, { resource: before }: Remembered): boolean {
  return (
    now.node === before.node &&
    now.name === before.name &&
    now.status === before.status &&
    (now.uptime ?? 0) >= (before.uptime ?? 0)
  );
}

function toKnown(vmid: number, config: MachineConfig): Known | undefined {
  const address = addressOf(vmid, config);
  if (address === undefined) return undefined;
  // As it is called on its pages.
  const name = printable(config.name ?? `VM ${vmid}`);
  return { address, name, guest: guestFamily(config.ostype) };
}

function toMachines(
  remembered: readonly Remembered[],
  statusOf: (resource: Resource) => string | undefined,
): readonly KnownMachine[] {
  return remembered.flatMap(({ resource, known }) =>
    known === undefined ? [] : [{ ...known, power: toPower(statusOf(resource)) }],
  );
}

/** Of one that is paused lists say that it runs, and so do we. */
export function toPower(status: string | undefined): PowerState {
  return status === "running" || status === "stopped" ? status : "unknown";
}

export function isRunning({ status }: Pick<Machine, "status">): boolean {
  return status === "running";
}

/** A display of QEMU's own: one whose display is a serial line has that line. */
export function hasScreen({ config: { vga = "std" } }: Pick<Machine, "config">): boolean {
  const [first = ""] = vga.split(",");
  const type = first.replace(/^type=/, "");
  return type !== "none" && !/^serial\d$/.test(type);
}

const SERIAL_PORTS = ["serial0", "serial1", "serial2", "serial3"] as const;
type SerialPort = (typeof SERIAL_PORTS)[number];

/** Those that are a socket of QEMU's, and no device of the host's. */
export function serialLines({ config }: Pick<Machine, "config">): readonly SerialPort[] {
  return SERIAL_PORTS.filter((port) => config[port] === "socket");
}
