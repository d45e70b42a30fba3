import type { ConsoleProtocol } from "#wire/grant.ts";
import { VIEWER_PAGES } from "#wire/viewer.ts";
import { type Entrance, pageBase } from "../fleet/public-names.ts";
import type { IssuedConsole } from "../services.ts";

/** What every node serves WebSockets under; the path before it does not matter. */
const WEBSOCKET_PATH = "websockify";

/**
 * The page that shows a console: `<node>[<path>]/p/<project>/console.html[?port=N]#token=…[&extra=…]`, or `serial.html`. What must not reach
 * a log or a Referer stands in the fragment. `port` says where the WebSocket is, if not where the page is.
 */
export function consoleUrl(
  node: Entrance,
  {
    projectId,
    protocol,
    ticket,
    extra,
  }: {
    readonly projectId: string;
    readonly protocol: ConsoleProtocol;
    readonly ticket: string;
    readonly extra?: string | undefined;
  },
): string {
  const pagePort = portOf(new URL(node.pageOrigin));
  const webSocketPort = portOf(new URL(node.webSocketOrigin));
  const query = webSocketPort === pagePort ? "" : `?port=${webSocketPort}`;
  const fragment = `#token=${ticket}${extra === undefined ? "" : `&extra=${encodeURIComponent(extra)}`}`;
  return `${pageBase(node)}/p/${encodeURIComponent(projectId)}/${VIEWER_PAGES[protocol]}${query}${fragment}`;
}

/**
 * For clients that bring their own viewer. IPv6 addresses stand in brackets, as in every URL. On a port of its own it stands at
 * the root, as for our viewer.
 */
export function webSocketOf(node: Entrance): IssuedConsole["websocket"] {
  const url = new URL(node.webSocketOrigin);
  const isBeside = node.webSocketOrigin === node.pageOrigin && node.publicPath !== undefined;
  const path = isBeside ? `${node.publicPath.slice(1)}/${WEBSOCKET_PATH}` : WEBSOCKET_PATH;
  return { host: url.hostname, port: portOf(url), path };
}

/** The same as one address. */
export function webSocketUrl(node: Entrance): string {
  const { path } = webSocketOf(node);
  // http becomes ws, and https wss.
  return `${node.webSocketOrigin.replace(/^http/, "ws")}/${path}`;
}

function portOf(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? 443 : 80;
}
