import { Secret } from "#base/secret.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";
import type { ConsoleWay } from "#wire/hypervisors.ts";
import type { ConsolePorts } from "../console-ports.ts";
import type { HypervisorDriver } from "../driver.ts";
import { ifThere } from "../explained.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { type VsphereAccess, VsphereClient } from "./client.ts";
import { explained } from "./explained.ts";
import { type FoundMachine, findMachine, listMachines } from "./machines.ts";
import { orderPower } from "./power.ts";
import type { About } from "./service-content.ts";
import { acquireWebMks } from "./tickets.ts";
import { followMachines } from "./updates.ts";
import { acquireThroughVcenter, CONSOLE_PROXY_PORT } from "./vcenter-consoles.ts";
import { isAtLeast, readVersion } from "./version.ts";
import { leaveVnc, openVnc, vncOf } from "./vnc.ts";

const limits = {
  /** While somebody waits for a console. */
  consoleMs: 10_000,
} as const;

/** Who opens WebMKS there: a machine's host, vCenter, or nobody. */
function webMksBy({ apiVersion, apiType }: About): "host" | "vcenter" | undefined {
  const version = readVersion(apiVersion) ?? [];
  if (isAtLeast(version, WEBMKS)) return "host";
  return apiType === "VirtualCenter" && isAtLeast(version, CONSOLE_PROXY) ? "vcenter" : undefined;
}

/** From which on hosts give tickets for WebMKS to whoever asks vCenter. */
const WEBMKS = [7, 0] as const;
/** And from which on, before that, vCenter carries consoles itself. */
const CONSOLE_PROXY = [5, 5] as const;

export interface VsphereDriverAccess extends VsphereAccess {
  /** Nothing is ordered. */
  readonly isReadOnly: boolean;
  readonly consoles: ConsoleWay;
  /** Absent for whoever opens no consoles. */
  readonly ports?: ConsolePorts | undefined;
}

/**
 * Machines of one vCenter or ESXi host. Their addresses are their instance UUIDs: managed object ids (vm-42) are given anew when a
 * machine is registered anew, as after a restore, and BIOS UUIDs are shared by copies. vCenter sees to it that instance UUIDs are not.
 */
export function createVsphereDriver(
  { isReadOnly, consoles, ports, ...access }: VsphereDriverAccess,
  { consoleProxyPort = CONSOLE_PROXY_PORT }: { readonly consoleProxyPort?: number } = {},
): HypervisorDriver {
  const client = new VsphereClient(access);
  const { endpoint, trust } = access;

  async function machineOf(address: string, signal: AbortSignal): Promise<FoundMachine> {
    const found = await findMachine(client, { address, signal });
    if (found === undefined) throw new GatewayError("machine_gone");
    return found;
  }

  async function runningAt(address: string, signal: AbortSignal): Promise<FoundMachine> {
    const machine = await machineOf(address, signal);
    if (machine.known.power !== "running") throw new GatewayError("machine_not_running");
    return machine;
  }

  /** Throws where it is to be WebMKS, and there is none. */
  async function wayTo(signal: AbortSignal): Promise<"webmks" | "vnc"> {
    if (consoles === "vnc") return "vnc";
    const about = await client.about(signal);
    if (webMksBy(about) !== undefined) return "webmks";
    if (consoles === "both") return "vnc";
    throw new GatewayError("upstream_refused", {
      detail: `vSphere: version ${about.apiVersion} has no WebMKS, which is with vCenter from 5.5 on and with an ESXi host by itself from 7.0 on; vnc or both opens consoles by VNC (hypervisor update --consoles)`,
    });
  }

  async function webMksOf(machine: FoundMachine, signal: AbortSignal): Promise<Upstream> {
    return webMksBy(await client.about(signal)) === "host"
      ? await acquireWebMks(client, { machine: machine.object, endpoint, signal })
      : await acquireThroughVcenter(client, { machine, endpoint, trust, port: consoleProxyPort, signal });
  }

  function portsOf(): ConsolePorts {
    if (ports === undefined) throw new Error("nobody keeps the ports of its consoles");
    return ports;
  }

  return {
    parseAddress,

    check: ({ address }) =>
      explained(async () => {
        const signal = AbortSignal.timeout(limits.consoleMs);
        const { known } = await machineOf(address, signal);
        const hasWebMks = consoles !== "vnc" && webMksBy(await client.about(signal)) !== undefined;
        return { running: known.power === "running", protocols: hasWebMks ? ["rfb", "webmks"] : ["rfb"] };
      }),

    resolve: ({ address }) =>
      explained(async () => {
        const signal = AbortSignal.timeout(limits.consoleMs);
        const machine = await runningAt(address, signal);
        if ((await wayTo(signal)) === "webmks") return await webMksOf(machine, signal);
        const open = ports === undefined ? undefined : await vncOf(ports, machine);
        if (open === undefined)
          throw new GatewayError("machine_not_running", { detail: "its VNC is closed" });
        return open;
      }),

    look: ({ address }) =>
      explained(async () => {
        const signal = AbortSignal.timeout(limits.consoleMs);
        const machine = await runningAt(address, signal);
        // Where it is, only a ticket says, of which hosts have forty; and VNC is nowhere before somebody opens it.
        if (ports === undefined || (await wayTo(signal)) === "webmks") return undefined;
        return await vncOf(ports, machine);
      }),

    lend: ({ address, protocol }, keep) =>
      explained(async () => {
        const signal = AbortSignal.timeout(limits.consoleMs);
        const machine = await runningAt(address, signal);
        if ((await wayTo(signal)) === "webmks") return { upstream: await webMksOf(machine, signal) };
        if (protocol === "webmks")
          throw new GatewayError("upstream_refused", { detail: "vSphere: the console is opened by VNC now" });
        await keep(new Secret(address));
        const { apiType } = await client.about(signal);
        const standalone = apiType === "VirtualCenter" ? undefined : endpoint.host;
        return { upstream: await openVnc(client, { machine, ports: portsOf(), standalone, signal }) };
      }),

    release: (lease, signal) =>
      explained(async () => await leaveVnc(client, { address: lease.expose(), ports: portsOf(), signal })),

    list: (signal) => explained(async () => (await listMachines(client, signal)).map(({ known }) => known)),

    identity: (signal) =>
      explained(async () => {
        const { apiType, instanceUuid } = await client.about(signal);
        return `${apiType} ${instanceUuid ?? `${endpoint.host}:${endpoint.port}`}`;
      }),

    find: (address, signal) =>
      ifThere(() => explained(async () => (await findMachine(client, { address, signal }))?.known)),

    consoles: (address, signal) =>
      explained(async () => {
        await machineOf(address, signal);
        return [{ protocol: "rfb", isExclusive: false }];
      }),

    follow: (onChange, signal) => explained(() => followMachines(client, onChange, signal)),

    power: (address, action, signal) =>
      explained(async () => {
        if (isReadOnly) throw new HypervisorError("rights", "vSphere is registered to show only");
        const { object: machine } = await machineOf(address, signal);
        await orderPower(client, { machine, action, signal });
      }),

    screenshot: (address, signal) =>
      explained(async () => {
        const { object, known } = await machineOf(address, signal);
        if (known.power !== "running") throw new GatewayError("machine_not_running");
        const { status, headers, body } = await client.fetch(
          `/screen?id=${encodeURIComponent(object.id)}`,
          signal,
        );
        if (status !== 200) throw new HypervisorError("rights", `/screen answers with HTTP status ${status}`);
        return { mediaType: headers["content-type"] ?? "application/octet-stream", bytes: body };
      }),

    [Symbol.asyncDispose]: async () => await client[Symbol.asyncDispose](),
  };
}

function parseAddress(text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text))
    throw new Error("not the instance UUID of a virtual machine");
  return text.toLowerCase();
}
