import { Secret } from "#base/secret.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";
import type { DriverMachine, HypervisorDriver, KnownMachine } from "../driver.ts";
import { ifThere } from "../explained.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { toNodeTls } from "../trust.ts";
import { toUpstreamTls } from "../upstream-tls.ts";
import { consolePlace, hostOf, trustOf, XAPI_PROTOCOLS } from "./console-place.ts";
import { limits as eventLimits, followEvents } from "./events.ts";
import { explained } from "./explained.ts";
import { isMachine, toKnown, toPower } from "./known.ts";
import { orderPower } from "./power.ts";
import { type Console, NO_REF, read, type Vm } from "./records.ts";
import { XapiClient, type XenAccess } from "./xapi-client.ts";

const limits = {
  /** While somebody waits for a console. */
  consoleMs: 7_500,
  /** A screen as a JPEG. */
  pictureBytes: 16 * 1024 * 1024,
} as const;

const MACHINES =
  'field "is_a_template" = "false" and field "is_a_snapshot" = "false" and field "is_control_domain" = "false"';

interface Found {
  readonly ref: string;
  readonly vm: Vm;
}

/** Machines of one pool of XenServer or XCP-ng. Their addresses are their UUIDs. */
export function createXenDriver(access: XenAccess): HypervisorDriver {
  const client = new XapiClient(access);
  const closing = new AbortController();

  async function findVm(address: string, signal: AbortSignal): Promise<Found | undefined> {
    const question = `field "uuid" = "${parseAddress(address)}"`;
    const found = read.vms(await client.call("VM.get_all_records_where", [question], { signal }));
    const [first, ...more] = Object.entries(found);
    if (first === undefined) return undefined;
    const [ref, vm] = first;
    if (more.length > 0 || vm.uuid.toLowerCase() !== address)
      throw new HypervisorError("answer", "XAPI answered with another machine than was asked for");
    return isMachine(vm) ? { ref, vm } : undefined;
  }

  async function vmOf(address: string, signal: AbortSignal): Promise<Found> {
    const found = await findVm(address, signal);
    if (found === undefined) throw new GatewayError("machine_gone");
    return found;
  }

  async function consolesOf(ref: string, signal: AbortSignal): Promise<readonly Console[]> {
    const question = `field "VM" = "${ref}"`;
    const found = await client.call("console.get_all_records_where", [question], { signal });
    return Object.values(read.consoles(found));
  }

  async function pool(signal: AbortSignal) {
    const [first] = Object.values(read.pools(await client.call("pool.get_all_records", [], { signal })));
    if (first === undefined) throw new HypervisorError("answer", "XAPI knows of no pool that it is in");
    return first;
  }

  async function guestOf(vm: Vm, signal: AbortSignal) {
    if (vm.guest_metrics === NO_REF) return undefined;
    const ref = vm.guest_metrics;
    return read.guestMetrics(await client.call("VM_guest_metrics.get_record", [ref], { signal }));
  }

  /** Where the machine's console is, without what opens it. */
  async function place(
    { address, protocol: wanted, tls }: DriverMachine,
    signal: AbortSignal,
  ): Promise<Upstream> {
    const { ref, vm } = await vmOf(address, signal);
    const consoles = await consolesOf(ref, signal);
    const { trust } = access;
    const protocol = wanted === "serial" ? "serial" : "rfb";
    const asked = { vm, consoles, protocol, trust } as const;
    const { host, path, trust: known } = await consolePlace(client, asked, signal);
    const at = { host, port: access.address.port, path, isSecure: true } as const;
    const way =
      (await wayToConsoles(signal)) === "websocket"
        ? ({ kind: "websocket", ...at } as const)
        : ({ kind: "http-connect", ...at } as const);
    return { address: way, tls: tls === undefined ? toNodeTls(known, host) : toUpstreamTls(tls, way) };
  }

  /** XAPI opens no WebSocket where it counts consoles. */
  async function wayToConsoles(signal: AbortSignal): Promise<"connect" | "websocket"> {
    if (access.address.consoles === "connect") return "connect";
    return (await pool(signal)).limit_console_sessions === true ? "connect" : "websocket";
  }

  return {
    parseAddress,

    check: ({ address, protocol: wanted }) =>
      explained(async () => {
        const signal = AbortSignal.timeout(limits.consoleMs);
        const { ref, vm } = await vmOf(address, signal);
        if (vm.power_state !== "Running") return { running: false, protocols: [] };
        const [consoles, { limit_console_sessions: isLimited = false }] = await Promise.all([
          consolesOf(ref, signal),
          pool(signal),
        ]);
        const protocols = (["rfb", "serial"] as const).filter((each) =>
          consoles.some(({ protocol }) => protocol === XAPI_PROTOCOLS[each]),
        );
        const isExclusive = isLimited || wanted === "serial";
        return { running: true, protocols, ...(isExclusive ? { isExclusive } : {}) };
      }),

    resolve: (machine) => explained(() => place(machine, AbortSignal.timeout(limits.consoleMs))),

    lend: (machine) =>
      explained(async () => {
        const signal = AbortSignal.timeout(limits.consoleMs);
        const upstream = await place(machine, signal);
        // The last thing: what fails before it leaves nothing behind.
        const session = await client.enter(signal);
        const headers = { Cookie: `session_id=${session}` };
        const { address } = upstream;
        if (address.kind !== "http-connect" && address.kind !== "websocket") return { upstream };
        return { upstream: { ...upstream, address: { ...address, headers } }, lease: new Secret(session) };
      }),

    release: (lease, signal) => explained(async () => await client.leave(lease.expose(), signal)),

    list: (signal) =>
      explained(async () => {
        const { answerBytes } = eventLimits;
        const [vms, metrics] = await Promise.all([
          client.call("VM.get_all_records_where", [MACHINES], { signal, answerBytes }),
          client.call("VM_guest_metrics.get_all_records", [], { signal, answerBytes }),
        ]);
        const guests = read.allGuestMetrics(metrics);
        const machines = Object.values(read.vms(vms))
          .filter(isMachine)
          .map((vm) => toKnown(vm, guests[vm.guest_metrics]));
        if (new Set(machines.map(({ address }) => address)).size < machines.length)
          throw new HypervisorError("answer", "XAPI has two machines of one UUID");
        return machines;
      }),

    identity: (signal) => explained(async () => `pool ${(await pool(signal)).uuid.toLowerCase()}`),

    find: (address, signal) =>
      explained(async (): Promise<KnownMachine | undefined> => {
        const found = await findVm(address, signal);
        if (found === undefined) return undefined;
        // A guest that has gone meanwhile says nothing, and the machine is there still.
        return toKnown(found.vm, await ifThere(() => explained(() => guestOf(found.vm, signal))));
      }),

    consoles: (address, signal) =>
      explained(async () => {
        const { ref } = await vmOf(address, signal);
        const protocols = (await consolesOf(ref, signal)).map(({ protocol }) => protocol);
        return [
          ...protocols.filter((each) => each === "rfb").map((protocol) => ({ protocol, isExclusive: false })),
          ...protocols
            .filter((each) => each === "vt100")
            .map(() => ({ protocol: "serial" as const, isExclusive: true })),
        ];
      }),

    follow: (onChange, signal) =>
      explained(async () => {
        const either = AbortSignal.any([signal, closing.signal]);
        return await followEvents(client, { onChange, signal: either });
      }),

    power: (address, action, signal) =>
      explained(async () => {
        signal.throwIfAborted();
        if (access.isReadOnly) throw new HypervisorError("rights", "it is registered to show only");
        await orderPower(client, { ...(await vmOf(address, signal)), action }, signal);
      }),

    screenshot: (address, signal) =>
      explained(async () => {
        const { vm } = await vmOf(address, signal);
        if (toPower(vm.power_state) !== "running") throw new GatewayError("machine_not_running");
        const host = await hostOf(client, vm.resident_on, signal);
        const at = { ref: vm.resident_on, host, trust: access.trust };
        using asked = client.clientOf(host, await trustOf(client, at, signal));
        const { ref: session } = await client.session(signal);
        const { status, headers, body } = await asked.ask({
          ...{ method: "GET", path: `/vncsnapshot?uuid=${vm.uuid}`, signal },
          answerBytes: limits.pictureBytes,
          headers: { cookie: `session_id=${session}` },
        });
        if (status !== 200)
          throw new HypervisorError("rights", `its picture of a screen is HTTP status ${status}`);
        return { mediaType: headers["content-type"] ?? "image/jpeg", bytes: body };
      }),

    [Symbol.asyncDispose]: async () => {
      closing.abort(new Error("closed from here"));
      await client.close();
    },
  };
}

function parseAddress(text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text))
    throw new Error("not the UUID of a machine of XAPI's");
  return text.toLowerCase();
}
