import ipaddr from "ipaddr.js";

type Address = ReturnType<typeof ipaddr.process>;

/** A network of IPv4 or of IPv6; one address is a network, too. */
export interface Network {
  readonly address: Address;
  readonly prefixBits: number;
}

/** Reads an address or a network such as `10.0.0.0/8`. Throws an Error that says what is wrong with it. */
export function parseNetwork(text: string): Network {
  const [host = "", prefix, ...more] = text.split("/");
  if (!isNumeric(host) || host.includes("%") || more.length > 0) throw new Error(networkProblem(text));
  const address = ipaddr.parse(host);
  if (address.kind() !== ipaddr.process(host).kind()) throw new Error("write an IPv4-mapped address as IPv4");
  const bits = address.toByteArray().length * 8;
  const prefixBits = prefix === undefined ? bits : parsePrefix(prefix, bits);
  if (prefixBits === undefined) throw new Error(prefixProblem(bits));
  checkNoHostBits(address, prefixBits);
  return { address, prefixBits };
}

/** Whether the numeric address is in the network. An IPv4-mapped IPv6 address counts as the IPv4 address that it is. */
export function contains({ address: network, prefixBits }: Network, address: string): boolean {
  const candidate = numericAddress(address);
  if (candidate === undefined) return false;
  return network.kind() === candidate.kind() && candidate.match(network, prefixBits);
}

/** What was read last: one address is held against dozens of networks in a row, and to read it is most of that. */
let lastRead: { readonly text: string; readonly address: Address | undefined } | undefined;

function numericAddress(text: string): Address | undefined {
  if (lastRead?.text !== text)
    lastRead = { text, address: isNumeric(text) ? ipaddr.process(text) : undefined };
  return lastRead.address;
}

/** The network of so many bits that a numeric address lies in. */
export function networkAt(address: string, prefixBits: number): Network {
  const whole = ipaddr.process(address);
  const kept = whole.toByteArray().map((byte, index) => byte & ~(0xff >> clamp(prefixBits - index * 8)));
  return { address: ipaddr.fromByteArray(kept), prefixBits };
}

/** Of a numeric address: 4 of IPv4, 16 of IPv6. */
export function bytesOf(address: string): readonly number[] {
  return ipaddr.process(address).toByteArray();
}

/** Whether all of one network lies in another. */
export function isWithin(inner: Network, outer: Network): boolean {
  return inner.prefixBits >= outer.prefixBits && contains(outer, inner.address.toString());
}

/** Whether it is of one address. */
export function isSingle({ address, prefixBits }: Network): boolean {
  return prefixBits === address.toByteArray().length * 8;
}

function networkProblem(text: string): string {
  if (text.includes("[") || text.includes("]"))
    return "brackets stand around the whole network: [fd00::/8]:5900";
  return "must be an address, or a network such as 10.0.0.0/8 (names and zones are not taken)";
}

function parsePrefix(text: string, bits: number): number | undefined {
  const number = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  return number <= bits ? number : undefined;
}

function prefixProblem(bits: number): string {
  const problem = `the prefix after / must be a number from 0 to ${bits}`;
  return bits === 32
    ? problem
    : `${problem}, and with a port the network stands in brackets: [fd00::/8]:5900`;
}

/** 10.1.2.3/8 would mean all of 10.0.0.0/8; whoever writes it may not know. */
function checkNoHostBits(address: Address, prefixBits: number): void {
  const bits = address.toByteArray().map((byte) => byte.toString(2).padStart(8, "0"));
  if (bits.join("").includes("1", prefixBits))
    throw new Error(
      `the address goes on behind the first ${prefixBits} bits; write the network's own address`,
    );
}

/** Of a byte's bits, those that lie within. */
function clamp(bits: number): number {
  return Math.min(Math.max(bits, 0), 8);
}

/** Four decimal parts or IPv6: 010.0.0.1, 0x7f.1 and 2130706433 mean different things to different readers. */
function isNumeric(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
}
