import {
  type Call,
  create,
  destroy,
  getCapabilities,
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
import { type DomainState, domainOf, type RemoteDomain } from "#protocols/libvirt/domain.ts";
import { REMOTE_ERRORS, RemoteError } from "#protocols/libvirt/remote-error.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { GuestFamily, HypervisorDriver, KnownMachine, PowerAction, PowerState } from "../driver.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { inTurns } from "../in-turns.ts";
import { LibvirtClient } from "./client.ts";
import { limits as connectionLimits } from "./connection.ts";
import {
  type DomainConsoles,
  readConsoles,
  readOsId,
  type SerialLine,
  type VncGraphics,
} from "./domain-xml.ts";
import { wayInWords } from "./endpoint.ts";
import { explained } from "./explained.ts";
import { guestFamily } from "./guest-family.ts";
import { readHostUuid } from "./host-uuid.ts";
import type { LibvirtAccess } from "./open.ts";
import { SessionPasswords } from "./session-passwords.ts";
import { chooseLine, toSerialUpstream, toUpstream, withheldLine } from "./upstream.ts";

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
  const key = access.sessionPasswordKey;
  const passwords = key === undefined ? undefined : new SessionPasswords(client, key);
  const { way, uri } = access.endpoint;
  const lines = {
    endpoint: access.endpoint,
    streams: access.hasSerialStreams === true ? access.credentials : undefined,
  };

  async function found(address: string, signal: AbortSignal): Promise<RemoteDomain> {
    const domain = await client.call(lookupByUuid(address), signal);
    return shownAs(domain, address);
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

  /** Its consoles, as they stand in its XML, with its secrets if `isSecure`. */
  async function definition(
    domain: RemoteDomain,
    { isSecure, signal }: { readonly isSecure: boolean; readonly signal: AbortSignal },
  ): Promise<{ readonly xml: string; readonly consoles: DomainConsoles }> {
    const xml = await client.call(getXml(domain, { isSecure }), signal);
    return { xml, consoles: shownAs(readConsoles(xml), domain.uuid) };
  }

  /** Where it runs. In one round trip, for somebody waits whose console opens in two: one before the ticket is issued, and one for the grant. */
  async function running(
    address: string,
    options: { readonly isSecure: boolean; readonly signal: AbortSignal },
  ): Promise<Running> {
    const domain = domainOf(address);
    const [state, { xml, consoles }] = await Promise.all([
      client.call(getState(domain), options.signal),
      definition(domain, options),
    ]);
    if (!isActive(state)) throw new GatewayError("machine_not_running");
    const vnc = consoles.vnc.find(({ listen }) => listen !== undefined);
    return {
      ...{ domain, xml, vnc, line: chooseLine(consoles.serial, lines) },
      withheld: withheldLine(consoles.serial, lines),
    };
  }

  return {
    parseAddress,

    check: ({ address, protocol }) =>
      explained(async () => {
        try {
          const signal = AbortSignal.timeout(limits.consoleMs);
          const { vnc, line, withheld } = await running(address, { isSecure: false, signal });
          return {
            running: true,
            protocols: [
              ...(vnc === undefined ? [] : ["rfb" as const]),
              ...(line === undefined ? [] : ["serial" as const]),
            ],
            ...(protocol === "serial" ? { isExclusive: true, withheld } : {}),
          };
        } catch (error) {
          if (error instanceof GatewayError && error.code === "machine_not_running")
            return { running: false, protocols: [] };
          throw error;
        }
      }),

    resolve: ({ address, protocol, password, tls }) =>
      explained(async () => {
        const signal = AbortSignal.timeout(limits.consoleMs);
        if (protocol === "serial") {
          const { domain, line } = await running(address, { isSecure: false, signal });
          return toSerialUpstream(line, { ...lines, tls, domain: domain.uuid });
        }
        const { domain, xml, vnc } = await running(address, { isSecure: !access.isReadOnly, signal });
        if (passwords === undefined) return toUpstream(vnc, { way, password, tls });
        const own = await passwords.passwordFor(domain, xml, signal);
        return toUpstream({ ...vnc, password: own }, { way, password: undefined, tls });
      }),

    look: ({ address, protocol, password, tls }) =>
      explained(async () => {
        const signal = AbortSignal.timeout(limits.consoleMs);
        const { domain, vnc, line } = await running(address, { isSecure: false, signal });
        return protocol === "serial"
          ? toSerialUpstream(line, { ...lines, tls, domain: domain.uuid })
          : toUpstream(vnc, { way, password, tls });
      }),

    list: (signal) =>
      explained(async () => {
        const [domains, paused] = await Promise.all([
          client.call(listAllDomains(LIST_FLAGS.all), signal),
          client.call(listAllDomains(LIST_FLAGS.paused), signal),
        ]);
        if (new Set(domains.map(({ uuid }) => uuid)).size < domains.length)
          throw new HypervisorError("answer", "libvirt has two machines of one UUID");
        const pausedUuids = new Set(paused.map(({ uuid }) => uuid));
        const powerOf = ({ id, uuid }: RemoteDomain): PowerState => {
          if (id < 0) return "stopped";
          return pausedUuids.has(uuid) ? "paused" : "running";
        };
        // As many at once as may be asked, which are answered from memory: whoever asks for a console meanwhile waits for few.
        return await inTurns(domains, connectionLimits.quickCallsInFlight, async (domain) => ({
          address: domain.uuid,
          name: domain.name,
          power: powerOf(domain),
          guest: await guestOf(domain, signal),
        }));
      }),

    identity: (signal) =>
      explained(async () => {
        const host = readHostUuid(await client.call(getCapabilities(), signal));
        return `${uri} of ${host === undefined ? wayInWords(way) : `host ${host}`}`;
      }),

    find: (address, signal) =>
      explained(async (): Promise<KnownMachine | undefined> => {
        try {
          const [{ uuid, name }, state, guest] = await Promise.all([
            found(address, signal),
            client.call(getState(domainOf(address)), signal),
            guestOf(domainOf(address), signal),
          ]);
          return { address: uuid, name, power: toPower(state), guest };
        } catch (error) {
          if (error instanceof RemoteError && error.code === REMOTE_ERRORS.noDomain) return undefined;
          throw error;
        }
      }),

    consoles: (address, signal) =>
      explained(async () => {
        const { consoles } = await definition(domainOf(address), { isSecure: false, signal });
        const { vnc, serial } = consoles;
        return [
          ...vnc.map(() => ({ protocol: "rfb", isExclusive: false }) as const),
          ...serial.map(() => ({ protocol: "serial", isExclusive: true }) as const),
        ];
      }),

    follow: (onChange, signal) =>
      explained(() => client.follow(({ domain }) => onChange(domain.uuid), signal)),

    power: (address, action, signal) =>
      explained(async () => await client.call(ACTIONS[action](await found(address, signal)), signal)),

    screenshot: (address, signal) =>
      explained(async () => {
        const call = screenshot(await found(address, signal));
        const { result, bytes } = await client.download(call, { maxBytes: limits.pictureBytes, signal });
        return { mediaType: result ?? "application/octet-stream", bytes };
      }),

    [Symbol.asyncDispose]: async () => await client.close(),
  };
}

/** A domain that runs, with the consoles of it that a node is to reach. */
interface Running {
  readonly domain: RemoteDomain;
  readonly xml: string;
  readonly vnc: VncGraphics | undefined;
  readonly line: SerialLine | undefined;
  /** Why it has no such line, where it has one that is not to be opened. */
  readonly withheld: string | undefined;
}

/** What libvirt shows has to be the machine that was asked for. */
function shownAs<Shown extends { readonly uuid: string | undefined }>(shown: Shown, address: string): Shown {
  if (shown.uuid !== address.toLowerCase())
    throw new HypervisorError("answer", "libvirt answered with another machine than was asked for");
  return shown;
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
