import { type HostPort, origin } from "#base/config.ts";
import { isWildcard } from "#wire/address.ts";
import type { WantedAddress } from "#wire/link.ts";
import { beside, type ProxyConfig, publicOrigins } from "../config.ts";

/**
 * Where to listen beside that for TLS, as CloudStack does where nothing is said. None: what is listened on anyway serves
 * both, one at a time.
 */
export function tlsListenAddresses({
  listen,
  websocketListen,
  tlsListen,
  tlsWebsocketListen,
}: ProxyConfig): readonly HostPort[] {
  if (tlsListen !== null) return tlsWebsocketListen === null ? [tlsListen] : [tlsListen, tlsWebsocketListen];
  if (listen !== null || websocketListen !== null) return [];
  return [
    { host: "0.0.0.0", port: 443 },
    { host: "0.0.0.0", port: 8443 },
  ];
}

/** The addresses that a node got: for both, and for TLS alone. */
export interface BoundAddresses {
  readonly plain: readonly HostPort[];
  readonly tls: readonly HostPort[];
}

/** Where browsers find the node while it serves TLS. A whole origin that is https already is somebody else's TLS, and stays. */
export function tlsOrigins(
  config: ProxyConfig,
  { plain, tls }: BoundAddresses,
): { readonly pageOrigin: string; readonly webSocketOrigin: string } {
  const { publicTlsUrl, publicTlsWebsocketUrl } = config;
  const [tlsPage, tlsWebSocket = tlsPage] = tls;
  const [page, webSocket = page] = plain;
  const unsecured = publicOrigins(config, plain);
  if (publicTlsUrl === null)
    return {
      pageOrigin: secured(unsecured.pageOrigin, tlsPage),
      webSocketOrigin: secured(unsecured.webSocketOrigin, tlsWebSocket),
    };
  const hasOwn = tlsPage === undefined ? webSocket?.port !== page?.port : tlsWebSocket !== tlsPage;
  return {
    pageOrigin: publicTlsUrl,
    webSocketOrigin:
      publicTlsWebsocketUrl ??
      beside(publicTlsUrl, publicTlsUrl, hasOwn ? (tlsWebSocket ?? webSocket) : undefined),
  };
}

/**
 * What a node asks of control that has no public address, once it is known which ports it got; `undefined` for one that
 * has one. Listening on every IPv6 address, a node is found at every IPv4 address, too.
 */
export function wantedAddress(
  { publicAddress, publicUrl }: ProxyConfig,
  { plain: [page, webSocket], tls: [tlsPage, tlsWebSocket] }: BoundAddresses,
): WantedAddress | undefined {
  if (page === undefined || publicUrl !== null || publicAddress !== null || !isWildcard(page.host))
    return undefined;
  return {
    scheme: "http",
    pagePort: page.port,
    webSocketPort: (webSocket ?? page).port,
    tls: {
      pagePort: (tlsPage ?? page).port,
      webSocketPort: (tlsWebSocket ?? tlsPage ?? webSocket ?? page).port,
    },
    families: page.host.includes(":") ? ["ipv4", "ipv6"] : ["ipv4"],
  };
}

/** The same host by TLS, at the port of its own that it has for that, or at the same one. */
function secured(plain: string, own: HostPort | undefined): string {
  const url = new URL(plain);
  if (url.protocol === "https:") return plain;
  const port = own === undefined ? url.port || "80" : own.port;
  return origin(`https://${url.hostname}:${port}`);
}
