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
  publicUrl: {
    env: "PORTHOLE_PROXY_PUBLIC_URL",
    doc: "Where browsers find the pages; needed when listening on every address",
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
  maxSessions: {
    env: "PORTHOLE_PROXY_MAX_SESSIONS",
    doc: "Consoles that the node carries at most, whatever control assigns to it",
    placeholder: "NUMBER",
    parse: count,
    fallback: 5_000,
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

/** The node's configuration, or the text that `--help` asks for. Throws a ConfigError that lists every problem. */
export function loadProxyConfig(args: readonly string[]): LoadedConfig<typeof FIELDS> {
  const loaded = loadConfig("proxy", FIELDS, { args, env: process.env });
  if ("config" in loaded) listenAddresses(loaded.config);
  return loaded;
}

/**
 * Where to listen: one address for everything, or one for pages and one for the WebSocket. Throws a ConfigError
 * where browsers could not be told where that is.
 */
export function listenAddresses({ listen, websocketListen, publicUrl }: ProxyConfig): readonly HostPort[] {
  const page = listen ?? { host: "0.0.0.0", port: 80 };
  const ownWebSocket = websocketListen ?? (listen === null ? { host: "0.0.0.0", port: 8080 } : undefined);
  const addresses = ownWebSocket === undefined ? [page] : [page, ownWebSocket];
  if (publicUrl === null && addresses.some(({ host }) => isWildcard(host)))
    throw new ConfigError([
      "--public-url is missing: listening on every address, the node cannot know its own",
    ]);
  return addresses;
}

/** Where browsers find the node, once it is known which ports it got. */
export function publicOrigins(
  { publicUrl, publicWebsocketUrl }: ProxyConfig,
  [page, webSocket]: readonly HostPort[],
): { readonly pageOrigin: string; readonly webSocketOrigin: string } {
  if (page === undefined) throw new Error("a node listens on one address at least");
  const pageOrigin = publicUrl ?? plainOrigin(page);
  return { pageOrigin, webSocketOrigin: publicWebsocketUrl ?? beside(pageOrigin, publicUrl, webSocket) };
}

/** The page's own origin, or its name with the WebSocket's port where that is another. */
function beside(pageOrigin: string, publicUrl: string | null, webSocket: HostPort | undefined): string {
  if (webSocket === undefined) return pageOrigin;
  if (publicUrl === null) return plainOrigin(webSocket);
  const url = new URL(pageOrigin);
  url.port = String(webSocket.port);
  return url.origin;
}

function plainOrigin(address: HostPort): string {
  return origin(`http://${formatHostPort(address)}`);
}

function controls(value: string): readonly string[] {
  const parsed = list(secureOrigin)(value);
  if (parsed.length === 0) throw new Error("must name one at least");
  return [...new Set(parsed)];
}

function secureOrigin(value: string): string {
  const parsed = origin(value);
  if (!parsed.startsWith("https:"))
    throw new Error("must begin with https://, since the node link is always TLS");
  return parsed;
}

function count(value: string): number {
  const parsed = /^\d{1,6}$/.test(value) ? Number(value) : 0;
  if (parsed === 0) throw new Error("must be a number from 1 to 999999");
  return parsed;
}
