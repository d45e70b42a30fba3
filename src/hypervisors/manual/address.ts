import { isIPv4, isIPv6 } from "node:net";
import type { Upstream } from "#wire/grant.ts";

type Address = Upstream["address"];

const limits = {
  /** RFC 1035 §2.3.4 */
  nameCharacters: 253,
  /** sockaddr_un.sun_path of Linux, less its NUL. */
  pathBytes: 107,
  port: 65_535,
} as const;

const UNIX_PREFIX = "unix:";

/**
 * Reads HOST:PORT, [IPv6]:PORT or unix:/PATH. Throws an Error that says what is wrong.
 *
 * Strict where readers differ: 127.1, 0x7f.1, 2130706433 and 010.0.0.1 are refused, because some systems take
 * them for addresses and others for names.
 */
export function parseAddress(text: string): Address {
  return text.startsWith(UNIX_PREFIX) ? parsePath(text.slice(UNIX_PREFIX.length)) : parseHostPort(text);
}

/** The one spelling under which an address is kept and shown. */
export function formatAddress(address: Address): string {
  if (address.kind === "unix") return UNIX_PREFIX + address.path;
  return isIPv6(address.host) ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

function parseHostPort(text: string): Address {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) throw new Error("must be HOST:PORT, [IPv6]:PORT or unix:/PATH");
  const [, bracketed, bare = "", digits] = match;
  const port = Number(digits);
  if (port < 1 || port > limits.port) throw new Error(`the port must be from 1 to ${limits.port}`);
  return { kind: "tcp", host: bracketed === undefined ? parseHost(bare) : parseIpv6(bracketed), port };
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
