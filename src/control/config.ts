import { readFileSync } from "node:fs";
import { isIP } from "node:net";
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
import { Secret } from "#base/secret.ts";
import { isWildcard } from "#wire/address.ts";
import { isThisMachineAlone } from "#wire/reserved-network.ts";
import { parseTrustedProxy, type TrustedProxies } from "#wire/trusted-proxies.ts";
import { parseUpstreamAllow } from "#wire/upstream-allow.ts";
import type { DatabasePlace } from "./database.ts";
import { type LauncherOptions, launcherChoice } from "./fleet/launchers/launchers.ts";
import { LIBVIRT_FIELDS } from "./fleet/launchers/libvirt/config.ts";
import { NOVA_FIELDS, type NovaConfig } from "./openstack/config.ts";

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
  database: {
    env: "PORTHOLE_DATABASE",
    doc: "The PostgreSQL that replicas share, as postgres://USER:PASSWORD@HOST:PORT/NAME, instead of a file.",
    isSecret: true,
    placeholder: "URL",
    parse: databaseUrl,
    fallback: null,
  },
  databaseUrlFile: {
    env: "PORTHOLE_CONTROL_DATABASE_URL_FILE",
    doc: "A file that holds the same URL.",
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
  dnsListen: {
    env: "PORTHOLE_CONTROL_DNS_LISTEN",
    doc: "Where the domain of the consoles is answered for, by UDP and TCP, separated by commas; by default nowhere.",
    placeholder: "ADDRESS:PORT[,…]",
    parse: list(addressPort),
    fallback: [],
  },
  novaListen: {
    env: "PORTHOLE_CONTROL_NOVA_LISTEN",
    doc: "Where the Nova API is served at a port of its own, beside /compute/v2.1 of --listen; by default nowhere.",
    placeholder: "HOST:PORT",
    parse: hostPort,
    fallback: null,
  },
  novaPublicUrl: {
    env: "PORTHOLE_CONTROL_NOVA_PUBLIC_URL",
    doc: "The origin under which clients reach that port, where it is not its own address.",
    placeholder: "ORIGIN",
    parse: origin,
    fallback: null,
  },
  novaTokenFile: {
    env: "PORTHOLE_CONTROL_NOVA_TOKEN_FILE",
    doc: "A file with API_KEY:SECRET_KEY: with this key clients on this machine act that send no token to --nova-listen (--os-auth-type none), which has to be a loopback address then, without --nova-public-url. By default they are refused.",
    placeholder: "FILE",
    parse: text,
    fallback: null,
  },
  ...NOVA_FIELDS,
  publicUrl: {
    env: "PORTHOLE_CONTROL_PUBLIC_URL",
    doc: "The origin under which browsers reach control; needed when it listens on every address.",
    placeholder: "ORIGIN",
    parse: origin,
    fallback: null,
  },
  trustedProxies: {
    env: "PORTHOLE_CONTROL_TRUSTED_PROXIES",
    doc: "Addresses and networks of the front proxies whose X-Forwarded-For says where a caller is, separated by commas.",
    placeholder: "LIST",
    parse: list(parseTrustedProxy),
    fallback: [],
  },
  bootstrapFile: {
    env: "PORTHOLE_CONTROL_BOOTSTRAP_FILE",
    doc: "Where the first administrator's keys are written for a new database, instead of the ready line.",
    placeholder: "FILE",
    parse: text,
    fallback: null,
  },
  kubernetesServiceAccounts: {
    env: "PORTHOLE_CONTROL_KUBERNETES_SERVICE_ACCOUNTS",
    doc: "Service accounts whose pods may join as nodes, each NAMESPACE/NAME, separated by commas.",
    placeholder: "LIST",
    parse: list(serviceAccount),
    fallback: [],
  },
  kubernetesApi: {
    env: "PORTHOLE_CONTROL_KUBERNETES_API",
    doc: "The Kubernetes API, where it is not that of the cluster that control runs in.",
    placeholder: "ORIGIN",
    parse: secureOrigin,
    fallback: "https://kubernetes.default.svc",
  },
  kubernetesAuthorityFile: {
    env: "PORTHOLE_CONTROL_KUBERNETES_AUTHORITY_FILE",
    doc: "The CA of the Kubernetes API.",
    placeholder: "FILE",
    parse: text,
    fallback: "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
  },
  kubernetesTokenFile: {
    env: "PORTHOLE_CONTROL_KUBERNETES_TOKEN_FILE",
    doc: "Control's own token there, which may make token reviews.",
    placeholder: "FILE",
    parse: text,
    fallback: "/var/run/secrets/kubernetes.io/serviceaccount/token",
  },
  launchers: {
    env: "PORTHOLE_CONTROL_LAUNCHERS",
    doc: "Which pools control launches nodes for, and how, separated by commas: POOL=process, POOL=command:NAME, POOL=kubernetes:NAMESPACE/STATEFULSET, POOL=libvirt.",
    placeholder: "LIST",
    parse: list(launcherChoice),
    fallback: [],
  },
  launchLinks: {
    env: "PORTHOLE_CONTROL_LAUNCH_LINKS",
    doc: "Where launched nodes find control's link; of several replicas, all of them. By default this one's own.",
    placeholder: "https://HOST:PORT[,…]",
    parse: list(secureOrigin),
    fallback: [],
  },
  launchListen: {
    env: "PORTHOLE_CONTROL_LAUNCH_LISTEN",
    doc: "Where launched nodes listen; processes take a free port on loopback by default.",
    placeholder: "HOST:PORT",
    parse: hostPort,
    fallback: null,
  },
  launchPublicAddress: {
    env: "PORTHOLE_CONTROL_LAUNCH_PUBLIC_ADDRESS",
    doc: "Under which address browsers find them, where it is not that.",
    placeholder: "HOST[:PORT]",
    parse: text,
    fallback: null,
  },
  launchDirectory: {
    env: "PORTHOLE_CONTROL_LAUNCH_DIRECTORY",
    doc: "Where nodes that are processes have their folders, where it is not DIR/nodes.",
    placeholder: "DIR",
    parse: text,
    fallback: null,
  },
  launchCommands: {
    env: "PORTHOLE_CONTROL_LAUNCH_COMMANDS",
    doc: "Where the scripts of POOL=command:NAME are; none is run from elsewhere.",
    placeholder: "DIR",
    parse: text,
    fallback: null,
  },
  ...LIBVIRT_FIELDS,
  commandDrivers: {
    env: "PORTHOLE_CONTROL_COMMAND_DRIVERS",
    doc: "Where the executables of hypervisors of the platform command are; none is run from elsewhere.",
    placeholder: "DIR",
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

export interface ControlConfig extends LauncherOptions, NovaConfig {
  readonly database: DatabasePlace;
  readonly keyFile: string;
  readonly listen: HostPort;
  readonly link: HostPort;
  readonly linkNames: readonly string[];
  readonly dnsListen: readonly HostPort[];
  readonly novaListen: HostPort | null;
  readonly novaPublicUrl: string | null;
  readonly novaTokenFile: string | null;
  readonly publicUrl: string | null;
  readonly trustedProxies: TrustedProxies;
  readonly bootstrapFile: string | null;
  readonly upstreamAllow: string;
  readonly launchLinks: readonly string[];
  readonly launchListen: HostPort | null;
  readonly launchPublicAddress: string | null;
  readonly commandDrivers: string | null;
  readonly kubernetesServiceAccounts: readonly string[];
  readonly kubernetesApi: string;
  readonly kubernetesAuthorityFile: string;
  readonly kubernetesTokenFile: string;
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

function complete({ data, keyFile, ...given }: ConfigOf<typeof FIELDS>): ControlConfig {
  const { databaseFile, database, databaseUrlFile, ...rest } = given;
  const problems: string[] = [];
  const inData = (file: string | null, name: string, flagName: string): string => {
    if (file !== null) return file;
    if (data === null)
      problems.push(
        `--data (or --${flagName}) is missing${flagName === "database-file" ? ", for a database in a file; one of PostgreSQL's is said by PORTHOLE_DATABASE or --database-url-file" : ""}`,
      );
    return join(data ?? "", name);
  };
  const said = [
    databaseFile === null ? [] : ["--database-file"],
    database === null ? [] : ["PORTHOLE_DATABASE"],
    databaseUrlFile === null ? [] : ["--database-url-file"],
  ].flat();
  if (said.length > 1) problems.push(`there is one database, and it is said by ${said.join(" and by ")}`);
  const url = database ?? readUrlFile(databaseUrlFile, problems);
  const place: DatabasePlace =
    url === null
      ? { kind: "file", file: inData(databaseFile, "porthole.db", "database-file") }
      : { kind: "server", url };
  const key = inData(keyFile, "porthole.key", "key-file");
  const usesProcesses = rest.launchers.some(({ kind }) => kind === "process");
  const launchDirectory = usesProcesses ? inData(rest.launchDirectory, "nodes", "launch-directory") : "";
  if (isWildcard(rest.listen.host) && rest.publicUrl === null)
    problems.push(
      `--listen ${rest.listen.host} is every address: --public-url must say under which one browsers come`,
    );
  if (rest.novaTokenFile !== null) problems.push(...openProblems(rest));
  if (problems.length > 0) throw new ConfigError(problems, { seeHelp: true });
  return {
    ...rest,
    database: place,
    keyFile: key,
    launchDirectory,
    launchEnvironment: withoutOurs(process.env),
  };
}

/** What lets in whoever comes is for clients of this machine. */
function openProblems({
  novaListen,
  novaPublicUrl,
}: Pick<ControlConfig, "novaListen" | "novaPublicUrl">): readonly string[] {
  const isHere = isThisMachineAlone(novaListen?.host ?? "");
  return [
    ...(isHere
      ? []
      : [
          "--nova-token-file lets in whoever comes: --nova-listen must be a loopback address by number, such as 127.0.0.1:8774",
        ]),
    ...(novaPublicUrl === null
      ? []
      : ["--nova-token-file lets in whoever comes: leave out --nova-public-url, by which others would come"]),
  ];
}

/** What configures control is not for what it starts, and may be secret. */
function withoutOurs(env: NodeJS.ProcessEnv): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("PORTHOLE_")));
}

function readUrlFile(file: string | null, problems: string[]): Secret | null {
  if (file === null) return null;
  try {
    return databaseUrl(readFileSync(file, "utf8").trim());
  } catch (cause) {
    problems.push(`--database-url-file ${file}: ${cause instanceof Error ? cause.message : String(cause)}`);
    return null;
  }
}

/** What is wrong is told without the value, which holds a password. */
function databaseUrl(value: string): Secret {
  const protocol = URL.canParse(value) ? new URL(value).protocol : "";
  if (!["postgres:", "postgresql:"].includes(protocol))
    throw new Error("must be a URL such as postgres://porthole:PASSWORD@db.example.com/porthole");
  return new Secret(value);
}

function serviceAccount(value: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(value))
    throw new Error("must be NAMESPACE/NAME");
  return value;
}

function secureOrigin(value: string): string {
  const parsed = origin(value);
  if (!parsed.startsWith("https:")) throw new Error("must begin with https://");
  return parsed;
}

/** Answers come from where the question went, so that is said without a name. */
function addressPort(value: string): HostPort {
  const parsed = hostPort(value);
  if (isIP(parsed.host) === 0)
    throw new Error("must be ADDRESS:PORT, such as 203.0.113.2:53 or [2001:db8::2]:53");
  return parsed;
}

function upstreamAllow(value: string): string {
  parseUpstreamAllow(value);
  return value;
}
