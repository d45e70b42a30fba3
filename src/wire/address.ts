import ipaddr from "ipaddr.js";

/**
 * The one spelling of an address that people and machines are compared by: IPv4 with four decimal parts, IPv6 as
 * RFC 5952 has it, and an IPv4-mapped IPv6 address as the IPv4 address that it is. `undefined` for everything else.
 */
export function canonicalAddress(text: string): string | undefined {
  if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) return undefined;
  return ipaddr.process(text).toString();
}

/**
 * Whether a listen address means every address of the machine, so that it names none. In whatever spelling the
 * system takes: `0`, `0x0` and `::ffff:0.0.0.0` as well as `0.0.0.0` and `::`.
 */
export function isWildcard(host: string): boolean {
  if (host === "*") return true;
  return ipaddr.isValid(host) && ["0.0.0.0", "::"].includes(ipaddr.process(host).toString());
}
