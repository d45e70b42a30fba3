import { join } from "node:path";
import {
  ConfigError,
  type ConfigOf,
  type Field,
  type Fields,
  flag,
  type HostPort,
  hostPort,
  list,
  origin,
  text,
} from "#base/config.ts";
import { adminFields } from "#base/process/admin/config.ts";
import { type LoadedConfig, loadConfig } from "#base/process/load-config.ts";
import { type LogLevel, logLevel } from "#base/process/log.ts";
import { isWildcard } from "#wire/address.ts";
import { parseUpstreamAllow } from "#wire/upstream-allow.ts";

/** What `porthole control` must know to start. What the installation shares is in the settings. */
export const FIELDS = {
  data: {
    env: "PORTHOLE_CONTROL_DATA",
    doc: "Directory of the database and the key file.",
    placeholder: "DIR",
    parse: text,
    fallback: null,
  },
  databaseFile: {
    env: "PORTHOLE_CONTROL_DATABASE_FILE",
    doc: "The database, where it is not DIR/porthole.db.",
    placeholder: "FILE",
    parse: text,
    fallback: null,
  },
  keyFile: {
    env: "PORTHOLE_CONTROL_KEY_FILE",
    doc: "The installation's key, where it is not DIR/porthole.key. Made only for an empty database.",
    placeholder: "FILE",
    parse: text,
    fallback: null,
  },
  listen: {
    env: "PORTHOLE_CONTROL_LISTEN",
    doc: "Where the APIs and pages are served.",
    placeholder: "HOST:PORT",
    parse: hostPort,
    fallback: { host: "127.0.0.1", port: 8000 },
  },
  link: {
    env: "PORTHOLE_CONTROL_LINK",
    doc: "Where nodes are served (mutual TLS).",
    placeholder: "HOST:PORT",
    parse: hostPort,
    fallback: { host: "127.0.0.1", port: 8250 },
  },
  linkNames: {
    env: "PORTHOLE_CONTROL_LINK_NAMES",
    doc: "Further names under which nodes reach the link, separated by commas.",
    placeholder: "LIST",
    parse: list(text),
    fallback: [],
  },
  publicUrl: {
    env: "PORTHOLE_CONTROL_PUBLIC_URL",
    doc: "The origin under which browsers reach control; needed when it listens on every address.",
    placeholder: "ORIGIN",
    parse: origin,
    fallback: null,
  },
  bootstrapFile: {
    env: "PORTHOLE_CONTROL_BOOTSTRAP_FILE",
    doc: "Where the first administrator's keys are written for a new database, instead of the ready line.",
    placeholder: "FILE",
    parse: text,
    fallback: null,
  },
  upstreamAllow: {
    env: "PORTHOLE_CONTROL_UPSTREAM_ALLOW",
    doc: "First value of the setting upstream.allow, for a new database.",
    placeholder: "LIST",
    parse: upstreamAllow,
    fallback: "",
  },
  ...adminFields("PORTHOLE_CONTROL"),
  logLevel: {
    env: "PORTHOLE_LOG_LEVEL",
    doc: "debug, info, warn, error or silent.",
    placeholder: "LEVEL",
    parse: logLevel,
    fallback: "info",
  } satisfies Field<LogLevel>,
  json: {
    env: "PORTHOLE_JSON",
    doc: "Print one line of JSON on standard output when ready.",
    parse: flag,
    fallback: false,
  },
} satisfies Fields;

export interface ControlConfig {
  readonly databaseFile: string;
  readonly keyFile: string;
  readonly listen: HostPort;
  readonly link: HostPort;
  readonly linkNames: readonly string[];
  readonly publicUrl: string | null;
  readonly bootstrapFile: string | null;
  readonly upstreamAllow: string;
  readonly adminListen: HostPort | null;
  readonly adminNames: readonly string[];
  readonly otlpEndpoint: string | null;
  readonly logLevel: LogLevel;
  readonly json: boolean;
}

/** Throws a ConfigError that lists every problem. */
export function loadControlConfig(
  args: readonly string[],
): { readonly config: ControlConfig } | { readonly help: string } {
  const loaded: LoadedConfig<typeof FIELDS> = loadConfig("control", FIELDS, { args, env: process.env });
  return "help" in loaded ? loaded : { config: complete(loaded.config) };
}

function complete({ data, databaseFile, keyFile, ...rest }: ConfigOf<typeof FIELDS>): ControlConfig {
  const problems: string[] = [];
  const inData = (file: string | null, name: string, flagName: string): string => {
    if (file !== null) return file;
    if (data === null) problems.push(`--data (or --${flagName}) is missing`);
    return join(data ?? "", name);
  };
  const paths = {
    databaseFile: inData(databaseFile, "porthole.db", "database-file"),
    keyFile: inData(keyFile, "porthole.key", "key-file"),
  };
  if (isWildcard(rest.listen.host) && rest.publicUrl === null)
    problems.push(
      `--listen ${rest.listen.host} is every address: --public-url must say under which one browsers come`,
    );
  if (problems.length > 0) throw new ConfigError(problems);
  return { ...rest, ...paths };
}

function upstreamAllow(value: string): string {
  parseUpstreamAllow(value);
  return value;
}
