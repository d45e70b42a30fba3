import { isIPv6 } from "node:net";

const limits = {
  /** Members of a pool that may be named; XenServer's largest pools have 64 hosts. */
  hosts: 16,
  nameCharacters: 253,
  port: 65_535,
} as const;

/** How a pool is reached. */
export interface XenAddress {
  /** Any of its hosts, asked in this order who the master is. */
  readonly hosts: readonly string[];
  /** That of all its hosts: XAPI has no way to say that they differ. */
  readonly port: number;
  /** How nodes ask for consoles. */
  readonly consoles: "connect" | "websocket";
}

const FORM = "must be https://HOST[:PORT], or https://HOST,HOST[:PORT] with several hosts of one pool";

/** Reads `https://HOST[,HOST…][:PORT][?consoles=websocket]`. Throws an Error that says what is wrong with it. */
export function parseXenAddress(text: string): XenAddress {
  const [, places = "", digits = "443", query] =
    /^https:\/\/((?:[^/?#@\s:,[\]]+|\[[^\]]*\])(?:,(?:[^/?#@\s:,[\]]+|\[[^\]]*\]))*)(?::(\d{1,5}))?\/?(?:\?(.*))?$/.exec(
      text,
    ) ?? [];
  if (places === "") throw new Error(FORM);
  const hosts = places.split(",").map(readHost);
  if (hosts.length > limits.hosts) throw new Error(`of a pool up to ${limits.hosts} hosts can be named`);
  if (new Set(hosts).size < hosts.length) throw new Error("it names a host twice");
  const port = Number(digits);
  if (port < 1 || port > limits.port) throw new Error(`the port must be from 1 to ${limits.port}`);
  return { hosts, port, consoles: readConsoles(query) };
}

function readHost(text: string): string {
  const bracketed = /^\[(.*)\]$/.exec(text)?.[1];
  if (bracketed !== undefined) {
    if (!isIPv6(bracketed) || bracketed.includes("%")) throw new Error(`${text} is no IPv6 address`);
    return bracketed.toLowerCase();
  }
  return readName(text);
}

/** A host as XAPI names it too: an IPv6 address stands there without brackets. Throws an Error. */
export function readName(text: string): string {
  if (isIPv6(text) && !text.includes("%")) return text.toLowerCase();
  if (text.length > limits.nameCharacters || !/^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i.test(text))
    throw new Error(`“${text.slice(0, limits.nameCharacters)}” is no name and no address of a host`);
  return text.toLowerCase();
}

function readConsoles(query: string | undefined): XenAddress["consoles"] {
  if (query === undefined) return "connect";
  const way = /^consoles=(connect|websocket)$/.exec(query)?.[1];
  if (way === undefined) throw new Error("behind the ? stands consoles=connect or consoles=websocket");
  return way as XenAddress["consoles"];
}
