import { isIPv4, isIPv6 } from "node:net";
import { formatHostPort, type HostPort } from "#base/config.ts";
import type { Upstream } from "#wire/grant.ts";

/** What people write. Consoles by CONNECT, by libvirt and by authd are those of platforms, which name them themselves. */
type Address = Exclude<Upstream["address"], { readonly kind: "http-connect" | "libvirt" | "authd" }>;

const limits = {
  /** RFC 1035 §2.3.4 */
  nameCharacters: 253,
  /** sockaddr_un.sun_path of Linux, less its NUL. */
  pathBytes: 107,
  port: 65_535,
} as const;

const UNIX_PREFIX = "unix:";
const TLS_PREFIX = "tls://";

/**
 * Reads HOST:PORT, [IPv6]:PORT or unix:/PATH; tls://HOST:PORT for TLS from the first byte on; ws://HOST[:PORT][/PATH] and wss:// for
 * a WebSocket. Throws an Error that says what is wrong.
 *
 * Strict where readers differ: 127.1, 0x7f.1, 2130706433 and 010.0.0.1 are refused, because some systems take
 * them for addresses and others for names.
 */
export function parseAddress(text: string): Address {
  if (text.startsWith(UNIX_PREFIX)) return parsePath(text.slice(UNIX_PREFIX.length));
  if (text.startsWith(TLS_PREFIX)) return { kind: "tls", ...parseHostPort(text.slice(TLS_PREFIX.length)) };
  return /^wss?:\/\//.test(text) ? parseWebSocket(text) : { kind: "tcp", ...parseHostPort(text) };
}

/** The one spelling under which an address is kept and shown. */
export function formatAddress(address: Address): string {
  switch (address.kind) {
    case "tcp":
      return formatHostPort(address);
    case "unix":
      return UNIX_PREFIX + address.path;
    case "tls":
      return TLS_PREFIX + formatHostPort(address);
    case "websocket":
      return `${address.isSecure ? "wss" : "ws"}://${formatHostPort(address)}${address.path}`;
    default:
      throw new Error(`there is no address ${address satisfies never}`);
  }
}

/** RFC 6455 §3, with the port always said when it is written. */
function parseWebSocket(text: string): Address {
  const match = /^(wss?):\/\/([^/?#]*)([/?].*)?$/.exec(text);
  if (match === null) throw new Error("a WebSocket is ws://HOST:PORT/PATH or wss://HOST:PORT/PATH");
  const [, scheme, authority = "", rest = "/"] = match;
  const isSecure = scheme === "wss";
  const hasPort = /:\d+$/.test(authority);
  const { host, port } = parseHostPort(hasPort ? authority : `${authority}:${isSecure ? 443 : 80}`);
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  if (!/^[!-~]*$/.test(path) || path.includes("#"))
    throw new Error("a WebSocket's path has no spaces, no fragment, and nothing beyond ASCII");
  return { kind: "websocket", host, port, path, isSecure };
}

function parseHostPort(text: string): HostPort {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null)
    throw new Error(
      `${/^[\w.-]+$/.test(text) ? "the port is missing: it " : ""}must be HOST:PORT, [IPv6]:PORT, unix:/PATH, tls://HOST:PORT, ws://HOST:PORT/PATH or wss://HOST:PORT/PATH`,
    );
  const [, bracketed, bare = "", digits] = match;
  const port = Number(digits);
  if (port < 1 || port > limits.port) throw new Error(`the port must be from 1 to ${limits.port}`);
  return { host: bracketed === undefined ? parseHost(bare) : parseIpv6(bracketed), port };
}

function parseIpv6(text: string): string {
  if (!isIPv6(text) || text.includes("%")) throw new Error("there must be an IPv6 address in the brackets");
  return text.toLowerCase();
}

/** RFC 1123 §2.1, and underscores, which people use. What ends in a number must be a whole IPv4 address. */
function parseHost(text: string): string {
  const labels = text.split(".");
  const numeric = /^(?:\d+|0x[0-9a-f]*)$/i.test(labels.at(-1) ?? "");
  if (numeric && !isIPv4(text)) throw new Error("an IPv4 address has four decimal numbers");
  const good = labels.every((label) => /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i.test(label));
  if (!good || text.length > limits.nameCharacters) throw new Error("the host is no name and no address");
  return text.toLowerCase();
}

function parsePath(path: string): Address {
  if (!path.startsWith("/")) throw new Error("a path begins with a slash");
  if (/\p{C}/u.test(path)) throw new Error("a path has no control characters");
  if (Buffer.byteLength(path) > limits.pathBytes)
    throw new Error(`a path to a socket has at most ${limits.pathBytes} bytes`);
  const segments = path.slice(1).split("/");
  if (segments.some((segment) => segment === "" || segment === "." || segment === ".."))
    throw new Error("a path has no empty, “.” or “..” parts");
  return { kind: "unix", path };
}
