import { isIPv6 } from "node:net";
import {
  ConfigError,
  type ConfigOf,
  type Fields,
  flag,
  formatHostPort,
  type HostPort,
  hostPort,
  list,
  origin,
  text,
} from "#base/config.ts";
import { adminFields } from "#base/process/admin/config.ts";
import { type LoadedConfig, loadConfig } from "#base/process/load-config.ts";
import { logLevel } from "#base/process/log.ts";
import { isWildcard } from "#wire/address.ts";
import { parsePublicPath } from "#wire/public-path.ts";
import { parseTrustedProxy } from "#wire/trusted-proxies.ts";

export const FIELDS = {
  control: {
    env: "PORTHOLE_PROXY_CONTROL",
    doc: "Where control's node link is; of several replicas, all of them, separated by commas",
    placeholder: "https://HOST:PORT[,…]",
    parse: controls,
  },
  joinTokenFile: {
    env: "PORTHOLE_PROXY_JOIN_TOKEN_FILE",
    doc: "File with the join token; needed once, to become a node",
    placeholder: "FILE",
    parse: text,
    fallback: null,
  },
  joinServiceAccountTokenFile: {
    env: "PORTHOLE_PROXY_JOIN_SERVICE_ACCOUNT_TOKEN_FILE",
    doc: "In Kubernetes, instead of a join token: the pod's projected token with the audience porthole",
    placeholder: "FILE",
    parse: text,
    fallback: null,
  },
  authorityFile: {
    env: "PORTHOLE_PROXY_AUTHORITY_FILE",
    doc: "With it: the certificate of the installation's CA, or its fingerprint, by which control is known",
    placeholder: "FILE",
    parse: text,
    fallback: null,
  },
  data: {
    env: "PORTHOLE_PROXY_DATA",
    doc: "Folder for the node's identity, which is all that it keeps",
    placeholder: "DIR",
    parse: text,
  },
  listen: {
    env: "PORTHOLE_PROXY_LISTEN",
    doc: "Address for pages, and for the WebSocket where --websocket-listen is absent; by default port 80 and 8080",
    placeholder: "HOST:PORT",
    parse: hostPort,
    fallback: null,
  },
  websocketListen: {
    env: "PORTHOLE_PROXY_WEBSOCKET_LISTEN",
    doc: "Address for the WebSocket, where it has a port of its own",
    placeholder: "HOST:PORT",
    parse: hostPort,
    fallback: null,
  },
  tlsListen: {
    env: "PORTHOLE_PROXY_TLS_LISTEN",
    doc: "Address for pages, and for the WebSocket where --tls-websocket-listen is absent, with consoleproxy.sslEnabled; by default port 443 and 8443 where nothing is said of any port, else those that are listened on anyway",
    placeholder: "HOST:PORT",
    parse: hostPort,
    fallback: null,
  },
  tlsWebsocketListen: {
    env: "PORTHOLE_PROXY_TLS_WEBSOCKET_LISTEN",
    doc: "Address for the WebSocket with consoleproxy.sslEnabled, where it has a port of its own beside --tls-listen",
    placeholder: "HOST:PORT",
    parse: hostPort,
    fallback: null,
  },
  publicAddress: {
    env: "PORTHOLE_PROXY_PUBLIC_ADDRESS",
    doc: "The node's one public address, where it is not the one that it listens on; with the port of its listener where none is said. A node that listens on every address and has none is given one out of its pool's public ranges",
    placeholder: "HOST[:PORT]",
    parse: publicAddress,
    fallback: null,
  },
  publicUrl: {
    env: "PORTHOLE_PROXY_PUBLIC_URL",
    doc: "Where browsers find the pages, as a whole origin, where that is not plain HTTP at --public-address: the name of a front proxy, for one",
    placeholder: "ORIGIN",
    parse: origin,
    fallback: null,
  },
  publicWebsocketUrl: {
    env: "PORTHOLE_PROXY_PUBLIC_WEBSOCKET_URL",
    doc: "Where browsers find the WebSocket, as an http or https origin; by default derived from --public-url",
    placeholder: "ORIGIN",
    parse: origin,
    fallback: null,
  },
  publicTlsUrl: {
    env: "PORTHOLE_PROXY_PUBLIC_TLS_URL",
    doc: "Where browsers find the pages with consoleproxy.sslEnabled, as an https origin; by default the public address with the port that is listened on. Needed where something between changes ports",
    placeholder: "ORIGIN",
    parse: secureOrigin,
    fallback: null,
  },
  publicTlsWebsocketUrl: {
    env: "PORTHOLE_PROXY_PUBLIC_TLS_WEBSOCKET_URL",
    doc: "Where browsers find the WebSocket with consoleproxy.sslEnabled, as an https origin; by default derived from --public-tls-url",
    placeholder: "ORIGIN",
    parse: secureOrigin,
    fallback: null,
  },
  publicPath: {
    env: "PORTHOLE_PROXY_PUBLIC_PATH",
    doc: "What a front proxy has put before the paths of the node: /console, where pages are found at https://cloud.example.com/console. Whether the proxy takes it away again does not matter",
    placeholder: "PATH",
    parse: parsePublicPath,
    fallback: null,
  },
  behindProxy: {
    env: "PORTHOLE_PROXY_BEHIND_PROXY",
    doc: "Share the public address with other nodes: a front proxy, or a Kubernetes Service, spreads viewers over them",
    parse: flag,
    fallback: false,
  },
  trustedProxies: {
    env: "PORTHOLE_PROXY_TRUSTED_PROXIES",
    doc: "Addresses and networks of the front proxies whose X-Forwarded-For says where a viewer comes from, separated by commas",
    placeholder: "LIST",
    parse: list(parseTrustedProxy),
    fallback: [],
  },
  proxyProtocol: {
    env: "PORTHOLE_PROXY_PROXY_PROTOCOL",
    doc: "The trusted proxies send a PROXY header, of version 1 or 2, before each connection; without it they are refused",
    parse: flag,
    fallback: false,
  },
  forwardListen: {
    env: "PORTHOLE_PROXY_FORWARD_LISTEN",
    doc: "Address where other nodes of the pool hand on what is meant for this one (mutual TLS); by default a free port where --listen is",
    placeholder: "HOST:PORT",
    parse: hostPort,
    fallback: null,
  },
  forwardAddress: {
    env: "PORTHOLE_PROXY_FORWARD_ADDRESS",
    doc: "Where other nodes reach that, if it is somewhere else; listening on every address, the one from which this node reaches control",
    placeholder: "HOST:PORT",
    parse: hostPort,
    fallback: null,
  },
  workers: {
    env: "PORTHOLE_PROXY_WORKERS",
    doc: "Nodes to run behind this one address, each a process that takes about one core, with its identity in DIR/worker-1 and so on; the join token has to be good for all",
    placeholder: "NUMBER",
    parse: workerCount,
    fallback: 1,
  },
  worker: {
    env: "PORTHOLE_PROXY_WORKER",
    doc: "To be one of several nodes that were started together; --workers says it to each of its own",
    parse: flag,
    fallback: false,
  },
  reusePort: {
    env: "PORTHOLE_PROXY_REUSE_PORT",
    doc: "Listen beside other nodes of this machine on one port, as --workers makes them do",
    parse: flag,
    fallback: false,
  },
  maxSessions: {
    env: "PORTHOLE_PROXY_MAX_SESSIONS",
    doc: "Consoles that the node carries at most, whatever control assigns to it; by default as many as its memory bears, up to 5000",
    placeholder: "NUMBER",
    parse: count,
    fallback: null,
  },
  drainTimeout: {
    env: "PORTHOLE_PROXY_DRAIN_TIMEOUT",
    doc: "How long a node that is told to stop waits for the consoles that are open, in seconds; 0: it ends them at once. Whatever runs it has to be as patient",
    placeholder: "SECONDS",
    parse: seconds,
    fallback: 20,
  },
  pingInterval: {
    env: "PORTHOLE_PROXY_PING_INTERVAL",
    doc: "How often a viewer is asked whether it is there, in seconds: more often than whatever stands in front cuts connections on which nothing is said",
    placeholder: "SECONDS",
    parse: pingSeconds,
    fallback: 20,
  },
  maxIdlePerAddress: {
    env: "PORTHOLE_PROXY_MAX_IDLE_PER_ADDRESS",
    doc: "Connections from one address on which nothing is asked and no console open; beyond them the oldest is closed",
    placeholder: "NUMBER",
    parse: count,
    fallback: 256,
  },
  ...adminFields("PORTHOLE_PROXY"),
  logLevel: {
    env: "PORTHOLE_LOG_LEVEL",
    doc: "debug, info, warn, error or silent",
    placeholder: "LEVEL",
    parse: logLevel,
    fallback: "info",
  },
  json: {
    env: "PORTHOLE_JSON",
    doc: "Print one line of JSON to standard output when ready",
    parse: flag,
    fallback: false,
  },
} satisfies Fields;

export type ProxyConfig = ConfigOf<typeof FIELDS>;

/** How many nodes one machine could use. */
const MOST_WORKERS = 64;

const LAST_PORT = 65_535;

/** An entrance that hands on cuts after two minutes without so much as a ping. */
const MOST_PING_SECONDS = 60;

/** The node's configuration, or the text that `--help` asks for. Throws a ConfigError that lists every problem. */
export function loadProxyConfig(args: readonly string[]): LoadedConfig<typeof FIELDS> {
  const loaded = loadConfig("proxy", FIELDS, { args, env: process.env });
  if ("config" in loaded) check(loaded.config);
  return loaded;
}

/** Workers are the same role, configured the same way; what is different for each is in its arguments, which come first. */
export function workerEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

function check(config: ProxyConfig): void {
  listenAddresses(config);
  if (config.tlsWebsocketListen !== null && config.tlsListen === null)
    throw misused("--tls-websocket-listen: --tls-listen is missing, which says where the pages are");
  if (config.publicTlsWebsocketUrl !== null && config.publicTlsUrl === null)
    throw misused("--public-tls-websocket-url: --public-tls-url is missing, which says where the pages are");
  if (config.publicAddress !== null && config.publicUrl !== null)
    throw misused("--public-address and --public-url: one of them says where the node is");
  if (config.workers > 1 && (config.forwardAddress !== null || (config.forwardListen?.port ?? 0) !== 0))
    throw misused("--forward-listen and --forward-address: workers cannot have one port between them");
  if (config.proxyProtocol && config.trustedProxies.length === 0)
    throw misused("--proxy-protocol: --trusted-proxies has to say whose PROXY headers are believed");
  const { adminListen, workers } = config;
  if (adminListen !== null && adminListen.port !== 0 && adminListen.port + workers - 1 > LAST_PORT)
    throw misused(
      `--admin-listen: each of ${workers} workers is watched at a port of its own, from this one up to ${LAST_PORT}`,
    );
}

/**
 * Where to listen: one address for everything, or one for pages and one for the WebSocket. Throws a ConfigError
 * where browsers could not be told where that is.
 */
export function listenAddresses(config: ProxyConfig): readonly HostPort[] {
  const { listen, websocketListen, publicAddress, publicUrl } = config;
  const page = listen ?? { host: "0.0.0.0", port: 80 };
  const ownWebSocket = websocketListen ?? (listen === null ? { host: "0.0.0.0", port: 8080 } : undefined);
  const addresses = ownWebSocket === undefined ? [page] : [page, ownWebSocket];
  const open = addresses.filter(({ host }) => isWildcard(host));
  if (publicUrl !== null || publicAddress !== null || open.length === 0) return addresses;
  if (config.workers > 1 || sharesAddress(config))
    throw misused(
      "--public-address or --public-url is missing: nodes that share one have to be told which it is",
    );
  if (open.length < addresses.length)
    throw misused(
      "--public-address or --public-url is missing: the node listens on one address and on every one",
    );
  return addresses;
}

/** Where browsers find the node, once it is known which ports it got. */
export function publicOrigins(
  { publicAddress, publicUrl, publicWebsocketUrl }: ProxyConfig,
  [page, webSocket]: readonly HostPort[],
): { readonly pageOrigin: string; readonly webSocketOrigin: string } {
  if (page === undefined) throw new Error("a node listens on one address at least");
  const named =
    publicUrl ??
    (publicAddress === null
      ? null
      : plainOrigin({ host: publicAddress.host, port: publicAddress.port ?? page.port }));
  const pageOrigin = named ?? plainOrigin(page);
  return { pageOrigin, webSocketOrigin: publicWebsocketUrl ?? beside(pageOrigin, named, webSocket) };
}

/** Where other nodes are to hand on to this one, listening where it does; `undefined` where it cannot be known. */
export function forwardAddress(
  config: ProxyConfig,
  { listened, local }: { readonly listened: HostPort; readonly local: string | undefined },
): string | undefined {
  if (config.forwardAddress !== null) return formatHostPort(config.forwardAddress);
  const host = isWildcard(listened.host) ? local : listened.host;
  return host === undefined ? undefined : formatHostPort({ host, port: listened.port });
}

/** Whether other nodes may have the same public address. */
export function sharesAddress({ behindProxy, reusePort }: ProxyConfig): boolean {
  return behindProxy || reusePort;
}

function misused(problem: string): ConfigError {
  return new ConfigError([problem], { seeHelp: true });
}

/** The page's own origin, or its name with the WebSocket's port where that is another. */
export function beside(pageOrigin: string, named: string | null, webSocket: HostPort | undefined): string {
  if (webSocket === undefined) return pageOrigin;
  if (named === null) return plainOrigin(webSocket);
  const url = new URL(pageOrigin);
  url.port = String(webSocket.port);
  return url.origin;
}

function plainOrigin(address: HostPort): string {
  return origin(`http://${formatHostPort(address)}`);
}

function controls(value: string): readonly string[] {
  const parsed = list(linkOrigin)(value);
  if (parsed.length === 0) throw new Error("must name one at least");
  return [...new Set(parsed)];
}

function linkOrigin(value: string): string {
  const parsed = origin(value);
  if (!parsed.startsWith("https:"))
    throw new Error("must begin with https://, since the node link is always TLS");
  return parsed;
}

function secureOrigin(value: string): string {
  const parsed = origin(value);
  if (!parsed.startsWith("https:")) throw new Error("must begin with https://");
  return parsed;
}

/** A host as in `hostPort`, and a port where one is said. */
function publicAddress(value: string): { readonly host: string; readonly port: number | undefined } {
  const hasPort = /^(?:\[[^\]]*\]|[^:[\]]*):\d+$/.test(value);
  const { host, port } = hostPort(hasPort ? value : `${isIPv6(value) ? `[${value}]` : value}:1`);
  if (isWildcard(host)) throw new Error("must be an address under which browsers find the node");
  if (hasPort && port === 0) throw new Error("must have a port that browsers can use");
  return { host, port: hasPort ? port : undefined };
}

function workerCount(value: string): number {
  const parsed = count(value);
  if (parsed > MOST_WORKERS) throw new Error(`must be a number from 1 to ${MOST_WORKERS}`);
  return parsed;
}

function seconds(value: string): number {
  if (!/^\d{1,6}$/.test(value)) throw new Error("must be a number of seconds from 0 to 999999");
  return Number(value);
}

function pingSeconds(value: string): number {
  const parsed = count(value);
  if (parsed > MOST_PING_SECONDS) throw new Error(`must be a number from 1 to ${MOST_PING_SECONDS}`);
  return parsed;
}

function count(value: string): number {
  const parsed = /^\d{1,6}$/.test(value) ? Number(value) : 0;
  if (parsed === 0) throw new Error("must be a number from 1 to 999999");
  return parsed;
}
