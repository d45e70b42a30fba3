import { ConfigError, type ConfigOf, type Fields, flag, hostPort, text } from "#base/config.ts";
import { type LoadedConfig, loadConfig } from "#base/process/load-config.ts";
import { logLevel } from "#base/process/log.ts";
import { isThisMachineAlone } from "#wire/reserved-network.ts";

/** `porthole start`: what it takes to run an installation on one machine. */
export const START_FIELDS = {
  listen: {
    env: "PORTHOLE_START_LISTEN",
    doc: "Where control listens; port 0 takes a free one. 127.0.0.1:8000, or a free port if that is taken.",
    placeholder: "HOST:PORT",
    parse: hostPort,
    fallback: null,
  },
  nova: {
    env: "PORTHOLE_START_NOVA",
    doc: "Where the Nova API is served at a port of its own; port 0 takes a free one. By default only at /compute/v2.1 of --listen.",
    placeholder: "HOST:PORT",
    parse: hostPort,
    fallback: null,
  },
  novaOpen: {
    env: "PORTHOLE_START_NOVA_OPEN",
    doc: "Lets whoever reaches that port act there as the administrator without a token (--os-auth-type none). For trying clients, at a loopback address alone: everybody who has an account on this machine reaches it.",
    parse: flag,
    fallback: false,
  },
  data: {
    env: "PORTHOLE_START_DATA",
    doc: "The directory that holds everything of the installation. ./data if absent.",
    placeholder: "DIR",
    parse: text,
    fallback: "data",
  },
  logLevel: {
    env: "PORTHOLE_LOG_LEVEL",
    doc: "How much the processes log: debug, info, warn, error or silent. warn in a terminal, info with --json.",
    placeholder: "LEVEL",
    parse: logLevel,
    fallback: null,
  },
  json: {
    env: "PORTHOLE_JSON",
    doc: "When all is ready, print exactly one line of JSON to standard output. npm prints lines of its own before it, unless it is called as `npm start --silent -- --json`.",
    parse: flag,
    fallback: false,
  },
} as const satisfies Fields;

export type StartConfig = ConfigOf<typeof START_FIELDS>;

export function loadStartConfig(args: readonly string[]): LoadedConfig<typeof START_FIELDS> {
  const loaded: LoadedConfig<typeof START_FIELDS> = loadConfig("start", START_FIELDS, {
    args,
    env: process.env,
  });
  if (!("help" in loaded)) requireOwnMachine(loaded.config);
  return loaded;
}

/** Whoever reaches an open port is the administrator. */
function requireOwnMachine({ nova, novaOpen }: StartConfig): void {
  if (novaOpen && !isThisMachineAlone(nova?.host ?? ""))
    throw new ConfigError(
      ["--nova-open needs --nova with a loopback address by number, such as 127.0.0.1:8774"],
      { seeHelp: true },
    );
}

/** What any program may need of the environment: where things are, which language and time, how Node is to run. */
const INHERITED = /^(?:PATH|HOME|USER|TZ|LANG|LC_[A-Z]+|TMPDIR|NODE_[A-Z_]+)$/;

/**
 * The environment of the processes that are started. They are told everything by their arguments: what configures a
 * role that runs by itself, and secrets that are meant for others, must not reach them.
 */
export function childEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => INHERITED.test(name)));
}
