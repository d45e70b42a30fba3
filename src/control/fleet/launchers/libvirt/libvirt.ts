import { createHash, randomUUID } from "node:crypto";
import type { Log } from "#base/process/log.ts";
import { type Instance, LaunchError, type Launcher, type LaunchOrder, launcherLimits } from "../launcher.ts";
import { configDrive } from "./config-drive.ts";
import { type DomainOptions, domainXml } from "./domain.ts";
import { type Domain, domainName, domainTitle, listDomains, listOrders } from "./domains.ts";
import { type Ending, Endings } from "./endings.ts";
import { Leftovers, volumeStem } from "./leftovers.ts";
import { createVirsh } from "./virsh.ts";
import { createVolumes, deleteVolume, deleteVolumes, listVolumes, withFile } from "./volumes.ts";

const limits = {
  /** Of a launch that came to nothing, until its disks are gone: the call has failed, or was given up, and is waited for. */
  cleanUpMs: 10_000,
  /** A launch, and some more: then nobody is at it any more. */
  leftoverMs: 2 * launcherLimits.launchMs,
} as const;

export interface LibvirtOptions extends DomainOptions {
  /** Where libvirt is, such as qemu:///system or qemu+ssh://root@host7/system. */
  readonly uri: string;
  /** libvirt's name of the storage pool for the two small disks of each machine. */
  readonly storagePool: string;
  readonly installationId: string;
  /** How long a node has for its drain, from the button to the plug. */
  readonly stopMs: number;
  /** How long disks without a machine are kept, in which they may be somebody's who launches it. */
  readonly leftoverMs?: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

/**
 * Launches system VMs by libvirt: each a domain with a disk for its join data and one for its identity.
 *
 * INVARIANT: of an order there is one domain at most. libvirt takes a name once, and refuses it for another UUID; every
 * attempt brings a UUID of its own, and disks of its own, and takes those away again where another attempt was first.
 */
export function createLibvirtLauncher(options: LibvirtOptions): Launcher {
  const { uri, storagePool, installationId, stopMs, env, log } = options;
  const virsh = createVirsh(uri, env);
  const endings = new Endings();
  const scope = `libvirt ${uri}`;
  const place = createHash("sha256").update(scope).digest("hex").slice(0, 8);
  const afterMs = options.leftoverMs ?? limits.leftoverMs;
  const leftovers = new Leftovers(installationId, { place, afterMs });
  const nameOf = (orderId: string) => domainName(installationId, orderId);
  const list = async (signal: AbortSignal) => await listDomains(virsh, installationId, signal);
  const find = async (orderId: string, signal: AbortSignal): Promise<Domain | undefined> =>
    (await list(signal)).find((domain) => domain.orderId === orderId);

  /** Of two that start a machine at once one is told that it runs. */
  const startDomain = async (orderId: string, signal: AbortSignal): Promise<void> => {
    try {
      await virsh(["start", nameOf(orderId)], signal);
    } catch (error) {
      const domain = await find(orderId, signal);
      if (domain === undefined || domain.state === "shut off") throw error;
    }
  };

  const define = async (order: LaunchOrder, signal: AbortSignal): Promise<void> => {
    const { id: orderId, pool, join } = order;
    const [name, uuid] = [nameOf(orderId), randomUUID()];
    const stem = `${volumeStem(installationId, { orderId, place })}-${uuid.slice(0, 8)}`;
    const storage = { virsh, storagePool, signal };
    try {
      const volumes = await createVolumes(storage, stem, configDrive(join));
      const title = domainTitle(pool);
      const identity = { name, uuid, title, orderId, pool, installationId, storagePool, ...volumes };
      const xml = domainXml(identity, options);
      await withFile(xml, async (path) => await virsh(["define", "--validate", path], signal));
    } catch (error) {
      await cleanUp(stem, uuid).catch((cause: unknown) => {
        log.warn({ error: cause, orderId }, "Disks of a machine that was not launched are left for later");
      });
      if ((await find(orderId, signal)) === undefined) throw error;
    }
  };

  /** Unless the machine has come about without our hearing of it. Also where the launch itself was given up. */
  const cleanUp = async (stem: string, uuid: string): Promise<void> => {
    const signal = AbortSignal.timeout(limits.cleanUpMs);
    const defined = (await virsh(["list", "--all", "--uuid"], signal)).split("\n");
    if (!defined.some((line) => line.trim() === uuid))
      await deleteVolumes({ virsh, storagePool, signal }, stem);
  };

  const sweep = async (signal: AbortSignal): Promise<void> => {
    const storage = { virsh, storagePool, signal };
    const orders = await listOrders(virsh, installationId, signal);
    const left = leftovers.among(await listVolumes(storage), { orders, now: performance.now() });
    for (const name of left) await deleteVolume(storage, name);
  };

  const ending = (name: string): Ending => ({
    withinMs: stopMs,
    isOff: async (signal) => {
      const domain = (await list(signal)).find((each) => each.name === name);
      return domain === undefined || domain.state === "shut off";
    },
    press: async (signal) => void (await virsh(["shutdown", "--mode", "acpi", name], signal)),
    cut: async (signal) => {
      log.warn({ machine: name }, "A machine did not switch off in time, and is cut off");
      await virsh(["destroy", name], signal);
    },
    onFailure: (error) => log.warn({ error, machine: name }, "A machine could not be told to switch off"),
  });

  return {
    kind: "libvirt",
    scope,

    async launch(order, signal) {
      const { id: orderId } = order;
      const there = await find(orderId, signal);
      if (there === undefined) await define(order, signal);
      // One that is switched off may be what a control left that was killed before it had started it.
      if (there === undefined || (await neverStarted(orderId, there, signal)))
        await startDomain(orderId, signal);
    },

    async list(signal) {
      const domains = await list(signal);
      await sweep(signal).catch((error: unknown) => {
        if (!signal.aborted) log.warn({ error }, "Disks that are left of machines were not taken away");
      });
      return domains.map(toInstance);
    },

    async stop(orderId, signal) {
      const domain = await find(orderId, signal);
      if (domain === undefined || domain.state === "shut off") return;
      endings.begin(domain.name, ending(domain.name));
    },

    async start(orderId, signal) {
      const domain = await find(orderId, signal);
      if (domain === undefined) throw new LaunchError(`libvirt has no machine for the order ${orderId}`);
      endings.cancel(domain.name);
      if (domain.state === "shut off") await startDomain(orderId, signal);
    },

    async destroy(orderId, signal) {
      const domain = await find(orderId, signal);
      const name = nameOf(orderId);
      if (domain !== undefined) {
        // One that runs goes on running without a definition, and is gone for good when it has switched off.
        await undefine(name, orderId, signal);
        if (domain.state !== "shut off") endings.begin(name, ending(name));
      } else if ((await listOrders(virsh, installationId, signal)).has(orderId))
        throw new LaunchError(
          `the machine ${name} is not as control made it: somebody has changed its title`,
        );
      // A running machine keeps the disks that it has open.
      await deleteVolumes({ virsh, storagePool, signal }, name);
    },

    async close() {
      await endings.close();
    },
  };

  /** Said twice, the second finds one that has no definition any more, or nothing. */
  async function undefine(name: string, orderId: string, signal: AbortSignal): Promise<void> {
    try {
      await virsh(["undefine", name], signal);
    } catch (error) {
      const left = await find(orderId, signal);
      if (left === undefined) return;
      const info = await virsh(["dominfo", name], signal);
      if (!/^Persistent:\s+no$/m.test(info)) throw error;
    }
  }

  /** libvirt: virDomainShutoffReason; one that has run tells how it ended. */
  async function neverStarted(orderId: string, { state }: Domain, signal: AbortSignal): Promise<boolean> {
    if (state !== "shut off") return false;
    return /\(unknown\)/.test(await virsh(["domstate", "--reason", nameOf(orderId)], signal));
  }
}

function toInstance({ orderId, pool, state }: Domain): Instance {
  const common = { orderId, pool };
  switch (state) {
    case "running":
    case "idle":
    case "in shutdown":
      return { ...common, state: "running" };
    case "no state":
      return { ...common, state: "starting" };
    case "paused":
    case "pmsuspended":
      return { ...common, state: "starting", problem: `libvirt says that the machine is ${state}` };
    case "shut off":
      return { ...common, state: "stopped" };
    case "crashed":
      return { ...common, state: "stopped", problem: "libvirt says that the machine has crashed" };
    default:
      return state satisfies never;
  }
}
