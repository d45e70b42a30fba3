import {
  type Call,
  create,
  destroy,
  getMetadata,
  getState,
  getXml,
  LIST_FLAGS,
  listAllDomains,
  lookupByUuid,
  reboot,
  reset,
  screenshot,
  shutdown,
} from "#protocols/libvirt/calls.ts";
import type { DomainState, RemoteDomain } from "#protocols/libvirt/domain.ts";
import { REMOTE_ERRORS, RemoteError } from "#protocols/libvirt/remote-error.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { GuestFamily, HypervisorDriver, KnownMachine, PowerAction, PowerState } from "../driver.ts";
import { LibvirtClient } from "./client.ts";
import { limits as connectionLimits } from "./connection.ts";
import { readConsoles, readOsId, type VncGraphics } from "./domain-xml.ts";
import { explained } from "./explained.ts";
import { guestFamily } from "./guest-family.ts";
import type { LibvirtAccess } from "./open.ts";
import { toUpstream } from "./upstream.ts";

const limits = {
  /** While somebody waits for a console. */
  consoleMs: 10_000,
  /** A screen of 4096 × 2160 as a PPM, which QEMU makes, and some room. */
  pictureBytes: 32 * 1024 * 1024,
} as const;

const LIBOSINFO = "http://libosinfo.org/xmlns/libvirt/domain/1.0";

const ACTIONS: Readonly<Record<PowerAction, (domain: RemoteDomain) => Call<void>>> = {
  start: create,
  stop: shutdown,
  cut: destroy,
  restart: reboot,
  reset,
};

/** Machines of one libvirt. Their addresses are their UUIDs, which libvirt gives to no other machine. */
export function createLibvirtDriver(access: LibvirtAccess): HypervisorDriver {
  const client = new LibvirtClient(access);
  const { way } = access.endpoint;

  async function domainOf(address: string, signal: AbortSignal): Promise<RemoteDomain> {
    return await client.call(lookupByUuid(address), signal);
  }

  async function guestOf(domain: RemoteDomain, signal: AbortSignal): Promise<GuestFamily> {
    try {
      return guestFamily(readOsId(await client.call(getMetadata(domain, LIBOSINFO), signal)));
    } catch (error) {
      // Nobody told libvirt, or the domain went while the list was made.
      if (error instanceof RemoteError) return "unknown";
      throw error;
    }
  }

  /** Where it runs: its first VNC, its password if it has one and `isSecure`. */
  async function runningVnc(
    address: string,
    { isSecure }: { readonly isSecure: boolean },
  ): Promise<VncGraphics | undefined> {
    const signal = AbortSignal.timeout(limits.consoleMs);
    const domain = await domainOf(address, signal);
    const [state, xml] = await Promise.all([
      client.call(getState(domain), signal),
      client.call(getXml(domain, { isSecure }), signal),
    ]);
    if (!isActive(state)) throw new GatewayError("machine_not_running");
    return readConsoles(xml).vnc.find(({ listen }) => listen !== undefined);
  }

  return {
    parseAddress,

    check: ({ address }) =>
      explained(async () => {
        try {
          const vnc = await runningVnc(address, { isSecure: false });
          return { running: true, protocols: vnc === undefined ? [] : ["rfb"] };
        } catch (error) {
          if (error instanceof GatewayError && error.code === "machine_not_running")
            return { running: false, protocols: [] };
          throw error;
        }
      }),

    resolve: ({ address, password }) =>
      explained(async () => {
        const vnc = await runningVnc(address, { isSecure: !access.isReadOnly });
        return toUpstream(vnc, { way, password });
      }),

    list: (signal) =>
      explained(async () => {
        const [domains, paused] = await Promise.all([
          client.call(listAllDomains(LIST_FLAGS.all), signal),
          client.call(listAllDomains(LIST_FLAGS.paused), signal),
        ]);
        const pausedUuids = new Set(paused.map(({ uuid }) => uuid));
        const powerOf = ({ id, uuid }: RemoteDomain): PowerState => {
          if (id < 0) return "stopped";
          return pausedUuids.has(uuid) ? "paused" : "running";
        };
        return await inTurns(domains, async (domain) => ({
          address: domain.uuid,
          name: domain.name,
          power: powerOf(domain),
          guest: await guestOf(domain, signal),
        }));
      }),

    find: (address, signal) =>
      explained(async (): Promise<KnownMachine | undefined> => {
        try {
          const domain = await domainOf(address, signal);
          const state = await client.call(getState(domain), signal);
          const guest = await guestOf(domain, signal);
          return { address: domain.uuid, name: domain.name, power: toPower(state), guest };
        } catch (error) {
          if (error instanceof RemoteError && error.code === REMOTE_ERRORS.noDomain) return undefined;
          throw error;
        }
      }),

    consoles: (address, signal) =>
      explained(async () => {
        const domain = await domainOf(address, signal);
        const { vnc, serial } = readConsoles(await client.call(getXml(domain, { isSecure: false }), signal));
        return [
          ...vnc.map(() => ({ protocol: "rfb", isExclusive: false }) as const),
          ...serial.map(() => ({ protocol: "serial", isExclusive: true }) as const),
        ];
      }),

    follow: (onChange, signal) =>
      explained(() => client.follow(({ domain }) => onChange(domain.uuid), signal)),

    power: (address, action, signal) =>
      explained(async () => await client.call(ACTIONS[action](await domainOf(address, signal)), signal)),

    screenshot: (address, signal) =>
      explained(async () => {
        const call = screenshot(await domainOf(address, signal));
        const { result, bytes } = await client.download(call, { maxBytes: limits.pictureBytes, signal });
        return { mediaType: result ?? "application/octet-stream", bytes };
      }),

    [Symbol.asyncDispose]: async () => await client.close(),
  };
}

function parseAddress(text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text))
    throw new Error("not the UUID of a libvirt domain");
  return text.toLowerCase();
}

function isActive(state: DomainState): boolean {
  return toPower(state) !== "stopped";
}

function toPower(state: DomainState): PowerState {
  switch (state) {
    case "running":
    case "blocked":
    case "shutting-down":
      return "running";
    case "paused":
    case "suspended":
      return "paused";
    case "shut-off":
    case "crashed":
      return "stopped";
    case "none":
      return "unknown";
    default:
      return state satisfies never;
  }
}

/** As many at once as libvirt works on, so that whoever asks for a console meanwhile waits for few. */
async function inTurns<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results = new Map<number, Result>();
  const left = items.entries();
  const worker = async () => {
    for (const [index, item] of left) results.set(index, await work(item));
  };
  await Promise.all(Array.from({ length: connectionLimits.callsInFlight }, worker));
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
}
