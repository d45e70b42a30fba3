import { Secret } from "#base/secret.ts";
import { GatewayError, printable } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";
import type { DriverMachine, DriverTls, HypervisorDriver, KnownMachine } from "../driver.ts";
import { explained, ifThere } from "../explained.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { PollFollower } from "../poll-follower.ts";
import { toUpstreamTls } from "../upstream-tls.ts";
import { ADDRESS, type CommandLine, type CommandUpstream, type Machine } from "./answers.ts";
import { type CommandAccess, CommandRunner } from "./command.ts";

const limits = {
  /** From one list to the next, while somebody follows: two calls a minute for each hypervisor, however many machines it has. */
  pollMs: 30_000,
} as const;

const PROTOCOLS = ["rfb", "serial"] as const;

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

    check: ({ address, protocol: wanted }) =>
      explained(access.name, async () => {
        const { power, consoles = [] } = await machineOf(address);
        const known = consoles.map(toConsole);
        const asked = known.filter(({ protocol }) => protocol === wanted);
        return {
          running: isRunning(power),
          protocols: PROTOCOLS.filter((each) => known.some(({ protocol }) => protocol === each)),
          ...(asked.length > 0 && asked.every(({ isExclusive }) => isExclusive) ? { isExclusive: true } : {}),
        };
      }),

    resolve: (machine) =>
      explained(access.name, async () => {
        const { address } = machine;
        const protocol = machine.protocol === "serial" ? "serial" : "rfb";
        const answer = await runner.ask("resolve", { address, protocol });
        if (protocol === "serial" && "line" in answer) return toLine(answer.line);
        if (protocol === "rfb" && "upstream" in answer) return toUpstream(answer.upstream, machine, access);
        const [asked, other] = protocol === "serial" ? ["line", "upstream"] : ["upstream", "line"];
        throw new HypervisorError(
          "answer",
          `${access.name} resolve answered with “${other}” where “${asked}” was asked for, by the protocol ${protocol}`,
        );
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
        return consoles.map(toConsole);
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

/** A serial line bears one connection unless it is said to bear several. */
function toConsole({
  protocol,
  exclusive = protocol === "serial",
}: NonNullable<Machine["consoles"]>[number]) {
  return { protocol, isExclusive: exclusive };
}

function toKnown({ address, name, power, guest = "unknown" }: Machine): KnownMachine {
  return { address, name: printable(name), power, guest };
}

/** What is on record of passwords and of TLS is a screen's. */
function toLine(said: CommandLine): Upstream {
  const telnet = said.telnet === undefined ? {} : { telnet: said.telnet };
  if ("socket" in said) return { address: { kind: "unix", path: said.socket }, ...telnet };
  const { host, port, tls } = said;
  if (tls === undefined) return { address: { kind: "tcp", host, port }, ...telnet };
  const address = { kind: "tls", host, port } as const;
  return { address, tls: toUpstreamTls(toDriverTls(tls), address), ...telnet };
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
  const tls = said.tls === undefined ? machine.tls : toDriverTls(said.tls);
  return {
    address,
    ...(password === undefined ? {} : { password }),
    ...(username === undefined ? {} : { username }),
    ...(tls === undefined ? {} : { tls: toUpstreamTls(tls, address) }),
  };
}

function toDriverTls({ clientKey, ...tls }: NonNullable<CommandUpstream["tls"]>): DriverTls {
  return { ...tls, clientKey: clientKey === undefined ? undefined : new Secret(clientKey) };
}
