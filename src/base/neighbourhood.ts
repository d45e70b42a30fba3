import ipaddr from "ipaddr.js";

/**
 * Whom an address is counted with, where nobody may take all there is: an IPv4 address by itself, of IPv6 the /64, in which
 * one host has as many addresses as it likes. Empty for what is no address.
 */
export function neighbourhood(text: string): string {
  if (!ipaddr.isValid(text)) return "";
  const address = ipaddr.process(text);
  return address.kind() === "ipv4" ? address.toString() : address.toByteArray().slice(0, 8).join(":");
}
