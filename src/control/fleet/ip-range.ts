import ipaddr from "ipaddr.js";

/**
 * An address as text that sorts as addresses do: the family, 4 or 6, and all of its bits in hexadecimal. One address
 * has one key.
 */
export type IpKey = string;

export interface IpRange {
  readonly first: IpKey;
  /** Of the same family, and not before the first. */
  readonly last: IpKey;
}

/** What no host of a public network can have, and names what is wrong with it. */
const IMPOSSIBLE: readonly (readonly [what: string, first: string, last: string])[] = [
  ["addresses of “this network”, which name no host", "0.0.0.0", "0.255.255.255"],
  ["addresses of a link, which nobody else reaches", "169.254.0.0", "169.254.255.255"],
  ["multicast or reserved addresses", "224.0.0.0", "255.255.255.255"],
  ["the unspecified address", "::", "::"],
  ["IPv4 addresses: write them as such", "::ffff:0:0", "::ffff:ffff:ffff"],
  ["addresses of a link, which nobody else reaches", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["multicast addresses", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
];

/**
 * Reads FIRST-LAST, one address, or a network. Of a network what a host can have: neither its own address (in IPv6 that is
 * every router's, RFC 4291 §2.6.1) nor the broadcast address of IPv4, unless it is as small as a link between two hosts.
 * Throws an Error that says what is wrong.
 */
export function parseIpRange(text: string): IpRange {
  const range = text.includes("/") ? parseNetwork(text) : parseBounds(text);
  for (const [what, first, last] of IMPOSSIBLE)
    if (overlaps(range, { first: keyOf(first), last: keyOf(last) })) throw new Error(`it has ${what} in it`);
  return range;
}

/** The text of an address, as people write it. */
export function addressOf(key: IpKey): string {
  const address = ipaddr.fromByteArray([...Buffer.from(key.slice(1), "hex")]);
  return address.toString();
}

/** Of an origin whose host is an address; `undefined` where it is a name. */
export function keyOfOrigin(origin: string): IpKey | undefined {
  if (!URL.canParse(origin)) return undefined;
  const host = new URL(origin).hostname.replace(/^\[|\]$/g, "");
  return ipaddr.isValid(host) ? keyOf(host) : undefined;
}

export function familyOf(key: IpKey): "ipv4" | "ipv6" {
  return key.startsWith("4") ? "ipv4" : "ipv6";
}

export function sizeOf({ first, last }: IpRange): bigint {
  return numberOf(last) - numberOf(first) + 1n;
}

export function overlaps(one: IpRange, other: IpRange): boolean {
  return one.first <= other.last && other.first <= one.last;
}

/** The first that is not taken. Looks at as many as are taken at most, however large the range. */
export function firstFree({ first, last }: IpRange, taken: ReadonlySet<IpKey>): IpKey | undefined {
  const end = numberOf(last);
  for (let number = numberOf(first); number <= end; number++) {
    const key = keyAt(number, first);
    if (!taken.has(key)) return key;
  }
  return undefined;
}

/** Every address of it; whoever asks has looked at its size. */
export function addressesIn({ first, last }: IpRange): readonly string[] {
  const start = numberOf(first);
  const count = Number(numberOf(last) - start) + 1;
  return Array.from({ length: count }, (_, index) => addressOf(keyAt(start + BigInt(index), first)));
}

function parseBounds(text: string): IpRange {
  const [from = "", to = from, ...more] = text.split("-").map((part) => part.trim());
  if (more.length > 0)
    throw new Error("it must be FIRST-LAST, one address, or a network such as 203.0.113.0/28");
  const [first, last] = [readKey(from), readKey(to)];
  if (familyOf(first) !== familyOf(last)) throw new Error("its ends are of two families");
  if (first > last) throw new Error("its first address is behind its last");
  return { first, last };
}

function parseNetwork(text: string): IpRange {
  const [host = "", prefix = "", ...more] = text.trim().split("/");
  const key = readKey(host);
  const bits = (key.length - 1) * 4;
  if (more.length > 0 || !/^\d{1,3}$/.test(prefix) || Number(prefix) > bits)
    throw new Error(`the prefix after / must be a number from 0 to ${bits}`);
  const hostBits = BigInt(bits - Number(prefix));
  const [start, size] = [numberOf(key), 1n << hostBits];
  if (start % size !== 0n)
    throw new Error(`the address goes on behind the first ${prefix} bits; write the network's own address`);
  const at = (number: bigint) => keyAt(number, key);
  const end = start + size - 1n;
  if (hostBits < 2n) return { first: at(start), last: at(end) };
  return { first: at(start + 1n), last: at(familyOf(key) === "ipv4" ? end - 1n : end) };
}

function readKey(text: string): IpKey {
  if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !(ipaddr.IPv6.isValid(text) && !text.includes("%")))
    throw new Error(`“${text}” is not an IP address`);
  return keyOf(text);
}

function keyOf(address: string): IpKey {
  const parsed = ipaddr.parse(address);
  const bytes = parsed.toByteArray();
  return (bytes.length === 4 ? "4" : "6") + Buffer.from(bytes).toString("hex");
}

/** Of the same family as another one. */
function keyAt(number: bigint, like: IpKey): IpKey {
  return like.slice(0, 1) + number.toString(16).padStart(like.length - 1, "0");
}

function numberOf(key: IpKey): bigint {
  return BigInt(`0x${key.slice(1)}`);
}
