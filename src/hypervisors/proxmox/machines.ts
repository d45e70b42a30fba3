import { GatewayError, printable } from "#wire/gateway-error.ts";
import type { KnownMachine, PowerState } from "../driver.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { inTurns } from "../in-turns.ts";
import type { MachineConfig, Resource } from "./answers.ts";
import { NodeSilent, NoSuchMachine, type ProxmoxClient } from "./client.ts";
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

  /** All, as they are. */
  async list(signal: AbortSignal): Promise<readonly KnownMachine[]> {
    await this.#requireSight(signal);
    const resources = await this.#resources(signal);
    const remembered = await this.#remember(resources, { signal, isFresh: true });
    const nodes = [...new Set(resources.map(({ node }) => node))];
    const statuses = await inTurns(nodes, limits.configsAtOnce, (node) => this.#statusesOf(node, signal));
    const now = new Map(statuses.flat());
    return toMachines(remembered, ({ vmid, status }) => now.get(vmid) ?? status);
  }

  /** All, as they were some seconds ago, in one question if nothing has changed. */
  async glance(signal: AbortSignal): Promise<readonly KnownMachine[]> {
    const resources = await this.#resources(signal);
    const remembered = await this.#remember(resources, { signal, isFresh: false });
    return toMachines(remembered, ({ status }) => status);
  }

  /** The one that has this address. Throws `machine_gone`. */
  async require(address: string, signal: AbortSignal): Promise<Machine> {
    const { vmid } = parseMachineAddress(address);
    // One that has moved since it was seen, or just now, is looked for once more.
    for (let tried = 0; ; tried += 1) {
      const node = (tried === 0 ? this.#nodes.get(vmid) : undefined) ?? (await this.#nodeOf(vmid, signal));
      if (node === undefined) throw new GatewayError("machine_gone");
      try {
        const machine = await this.#at({ node, vmid }, { address, signal });
        this.#nodes.set(vmid, node);
        return machine;
      } catch (error) {
        this.#nodes.delete(vmid);
        if (!(error instanceof NoSuchMachine)) throw error;
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

  async #remember(
    resources: readonly Resource[],
    { signal, isFresh }: { readonly signal: AbortSignal; readonly isFresh: boolean },
  ): Promise<readonly Remembered[]> {
    const before = this.#remembered;
    const all = await inTurns(resources, limits.configsAtOnce, async (resource) => {
      const last = before.get(resource.vmid);
      if (!isFresh && last !== undefined && isAsBefore(resource, last.resource)) return { ...last, resource };
      return await this.#read(resource, { last, signal });
    });
    const there = all.filter((each) => each !== undefined);
    this.#remembered = new Map(there.map((each) => [each.resource.vmid, each]));
    this.#nodes = new Map(there.map(({ resource: { vmid, node } }) => [vmid, node]));
    return there;
  }

  /** Undefined where it has gone meanwhile. */
  async #read(
    resource: Resource,
    { last, signal }: { readonly last: Remembered | undefined; readonly signal: AbortSignal },
  ): Promise<Remembered | undefined> {
    const { node, vmid } = resource;
    try {
      const path = `/nodes/${node}/qemu/${vmid}/config?current=1`;
      const { data: config } = await this.#client.ask("config", { path, signal });
      return { resource, known: toKnown(vmid, config) };
    } catch (error) {
      if (error instanceof NoSuchMachine) {
        // Either it is gone, or it has just moved: the list says which.
        const now = await this.#nodeOf(vmid, signal);
        if (now === undefined) return undefined;
        if (now !== node) return await this.#read({ ...resource, node: now }, { last, signal });
      }
      // A node that is down takes its machines along, and none of those is gone.
      if (error instanceof NodeSilent && last !== undefined) return { ...last, resource };
      throw error;
    }
  }

  async #statusesOf(node: string, signal: AbortSignal): Promise<readonly (readonly [number, string])[]> {
    try {
      const { data } = await this.#client.ask("machines", { path: `/nodes/${node}/qemu`, signal });
      return data.map(({ vmid, status }) => [vmid, status] as const);
    } catch (error) {
      if (error instanceof NodeSilent) return [];
      throw error;
    }
  }
}

/** Where a number may have come to another machine, something of this is another too: that one is made, and starts. */
function isAsBefore(now: Resource, before: Resource): boolean {
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
