import { GatewayError } from "#wire/gateway-error.ts";
import type { HypervisorDriver, PowerAction } from "../driver.ts";
import { explained, ifThere, notSupported } from "../explained.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { PollFollower } from "../poll-follower.ts";
import { type ProxmoxAccess, ProxmoxClient } from "./client.ts";
import { openConsole, placeOfConsole } from "./console.ts";
import { clusterIdentity } from "./identity.ts";
import { parseMachineAddress } from "./machine-address.ts";
import { hasScreen, isRunning, Machines, serialLines, toPower } from "./machines.ts";

const limits = {
  /** While somebody waits for a console. */
  consoleMs: 10_000,
  /** What a list says is as old as that anyway: pvestatd goes round every 10 s. */
  pollMs: 10_000,
} as const;

const WHO = "Proxmox VE";

/** In the words of qemu-server's status/…: `stop` there pulls the plug. */
const ACTIONS: Readonly<Record<PowerAction, string>> = {
  start: "start",
  stop: "shutdown",
  cut: "stop",
  restart: "reboot",
  reset: "reset",
};

/** Machines of one Proxmox VE, or of a cluster of them. */
export function createProxmoxDriver(
  access: ProxmoxAccess,
  { pollMs = limits.pollMs }: { readonly pollMs?: number } = {},
): HypervisorDriver {
  const client = new ProxmoxClient(access);
  const machines = new Machines(client);
  const follower = new PollFollower((signal) => machines.glance(signal), pollMs);

  return {
    parseAddress(text) {
      parseMachineAddress(text);
      return text;
    },

    check: ({ address, protocol }) =>
      explained(WHO, async () => {
        const found = await machines.require(address, AbortSignal.timeout(limits.consoleMs));
        return {
          running: isRunning(found),
          protocols: [
            ...(hasScreen(found) ? ["rfb" as const] : []),
            ...(serialLines(found).length > 0 ? ["serial" as const] : []),
          ],
          ...(protocol === "serial" ? { isExclusive: true } : {}),
        };
      }),

    resolve: ({ address, protocol }) =>
      explained(WHO, async () => {
        const signal = AbortSignal.timeout(limits.consoleMs);
        return placeOfConsole(access, await machines.require(address, signal), protocol);
      }),

    // What is made ready takes a port of the node's, and is seen among its tasks: nobody gets it who does not open it.
    lend: ({ address, protocol }) =>
      explained(WHO, async () => {
        const signal = AbortSignal.timeout(limits.consoleMs);
        const machine = await machines.require(address, signal);
        return { upstream: await openConsole(client, { access, signal, machine, protocol }) };
      }),

    list: (signal) => explained(WHO, async () => (await machines.list(signal)).machines),

    listHeard: (signal) => explained(WHO, () => machines.list(signal)),

    identity: (signal) => explained(WHO, () => clusterIdentity(client, signal)),

    find: (address, signal) =>
      ifThere(() =>
        explained(WHO, async () => {
          const { known, status } = await machines.require(address, signal);
          return { ...known, power: toPower(status) };
        }),
      ),

    consoles: (address, signal) =>
      explained(WHO, async () => {
        const found = await machines.require(address, signal);
        return [
          ...(hasScreen(found) ? [{ protocol: "rfb", isExclusive: false } as const] : []),
          ...serialLines(found).map(() => ({ protocol: "serial", isExclusive: true }) as const),
        ];
      }),

    follow: (onChange, signal) => explained(WHO, () => follower.follow(onChange, signal)),

    power: (address, action, signal) =>
      explained(WHO, async () => {
        if (access.isReadOnly) throw new HypervisorError("rights", `${WHO} is registered to show only`);
        const found = await machines.require(address, signal);
        // It would take the order, and fail at it later, where nobody looks.
        if (isRunning(found) === (action === "start")) throw new GatewayError("machine_not_running");
        await client.ask("task", { path: `${found.path}/status/${ACTIONS[action]}`, form: {}, signal });
        follower.look();
      }),

    screenshot: (address, signal) =>
      explained(WHO, async () => {
        await machines.require(address, signal);
        throw notSupported(
          WHO,
          "its API has no picture of a screen: the monitor writes one to a file of its host, and may do all else there",
        );
      }),

    [Symbol.asyncDispose]: async () => {
      follower.close();
      client[Symbol.dispose]();
    },
  };
}
