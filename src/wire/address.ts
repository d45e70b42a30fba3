import ipaddr from "ipaddr.js";

/**
 * The one spelling of an address that people and machines are compared by: IPv4 with four decimal parts, IPv6 as
 * RFC 5952 has it, and an IPv4-mapped IPv6 address as the IPv4 address that it is. `undefined` for everything else.
 */
export function canonicalAddress(text: string): string | undefined {
  if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) return undefined;
  return ipaddr.process(text).toString();
}
