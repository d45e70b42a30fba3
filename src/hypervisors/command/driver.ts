import { Secret } from "#base/secret.ts";
import { GatewayError, printable } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";
import type { DriverMachine, HypervisorDriver, KnownMachine } from "../driver.ts";
import { explained, ifThere } from "../explained.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { PollFollower } from "../poll-follower.ts";
import { toUpstreamTls } from "../upstream-tls.ts";
import { ADDRESS, type CommandUpstream, type Machine } from "./answers.ts";
import { type CommandAccess, CommandRunner } from "./command.ts";

const limits = {
  /** From one list to the next, while somebody follows: two calls a minute for each hypervisor, however many machines it has. */
  pollMs: 30_000,
} as const;

/** Machines of a platform that an executable of the operator's knows: docs/command-driver.md. */
export function createCommandDriver(
  access: CommandAccess,
  { pollMs = limits.pollMs }: { readonly pollMs?: number } = {},
): HypervisorDriver {
  const runner = new CommandRunner(access);

  async function machineOf(address: string, signal?: AbortSignal): Promise<Machine> {
    const { machine } = await runner.ask("machine", { address }, signal);
    if (machine === null) throw new GatewayError("machine_gone");
    if (machine.address !== address)
      throw new HypervisorError(
        "answer",
        `${access.name} machine answered with another machine than was asked for`,
      );
    return machine;
  }

  async function list(signal: AbortSignal): Promise<readonly KnownMachine[]> {
    const { machines } = await runner.ask("list", {}, signal);
    const addresses = new Set(machines.map(({ address }) => address));
    if (addresses.size < machines.length)
      throw new HypervisorError("answer", `${access.name} list has two machines of one address`);
    return machines.map(toKnown);
  }

  const follower = new PollFollower(list, pollMs);

  return {
    parseAddress,

    check: ({ address }) =>
      explained(access.name, async () => {
        const { power, consoles = [] } = await machineOf(address);
        const rfb = consoles.filter(({ protocol }) => protocol === "rfb");
        return {
          running: isRunning(power),
          protocols: rfb.length > 0 ? ["rfb"] : [],
          ...(rfb.length > 0 && rfb.every(({ exclusive }) => exclusive === true)
            ? { isExclusive: true }
            : {}),
        };
      }),

    resolve: (machine) =>
      explained(access.name, async () => {
        const { address } = machine;
        const { upstream } = await runner.ask("resolve", { address });
        return toUpstream(upstream, machine, access);
      }),

    list: (signal) => explained(access.name, () => list(signal)),

    // A command says nothing of who it is: what it is asked about is.
    async identity(signal) {
      signal.throwIfAborted();
      return access.target === undefined ? access.name : `${access.name}:${access.target}`;
    },

    find: (address, signal) =>
      ifThere(() => explained(access.name, async () => toKnown(await machineOf(address, signal)))),

    consoles: (address, signal) =>
      explained(access.name, async () => {
        const { consoles = [] } = await machineOf(address, signal);
        return consoles.map(({ protocol, exclusive = protocol === "serial" }) => ({
          protocol,
          isExclusive: exclusive,
        }));
      }),

    follow: (onChange, signal) => explained(access.name, () => follower.follow(onChange, signal)),

    power: (address, action, signal) =>
      explained(access.name, async () => {
        if (access.isReadOnly)
          throw new HypervisorError("rights", `${access.name} is registered to show only`);
        await runner.ask("power", { address, action }, signal);
        follower.look();
      }),

    screenshot: (address, signal) =>
      explained(access.name, async () => {
        const { mediaType, base64 } = await runner.ask("screenshot", { address }, signal);
        return { mediaType, bytes: Buffer.from(base64, "base64") };
      }),

    [Symbol.asyncDispose]: async () => {
      follower.close();
      runner.close();
    },
  };
}

function parseAddress(text: string): string {
  if (!ADDRESS.test(text)) throw new Error("must be up to 256 printable ASCII characters without spaces");
  return text;
}

function isRunning(power: Machine["power"]): boolean {
  return power === "running" || power === "paused";
}

function toKnown({ address, name, power, guest = "unknown" }: Machine): KnownMachine {
  return { address, name: printable(name), power, guest };
}

/** What the command says goes before what is on record; who may only look is not told passwords by it. */
function toUpstream(
  said: CommandUpstream,
  machine: DriverMachine,
  { isReadOnly }: Pick<CommandAccess, "isReadOnly">,
): Upstream {
  const address =
    "socket" in said
      ? ({ kind: "unix", path: said.socket } as const)
      : ({ kind: "tcp", host: said.host, port: said.port } as const);
  const password = (isReadOnly ? undefined : said.password) ?? machine.password?.expose();
  const username = said.username ?? machine.username;
  const { clientKey, ...rest } = said.tls ?? {};
  const tls =
    said.tls === undefined
      ? machine.tls
      : { ...said.tls, ...rest, clientKey: clientKey === undefined ? undefined : new Secret(clientKey) };
  return {
    address,
    ...(password === undefined ? {} : { password }),
    ...(username === undefined ? {} : { username }),
    ...(tls === undefined ? {} : { tls: toUpstreamTls(tls, address) }),
  };
}
