import ipaddr from "ipaddr.js";

/**
 * The label that an address has: `203-0-113-7`, `2001-db8--7`. A label of DNS neither begins nor ends with a hyphen: of
 * `::1` it is `0--1`. An address must be in its usual spelling, as a URL has it.
 */
export function dashed(address: string): string {
  const label = address.replace(/[.:]/g, "-");
  return `${label.startsWith("-") ? "0" : ""}${label}${label.endsWith("-") ? "0" : ""}`;
}

/** The address whose label this is, in its usual spelling; one address has one label. */
export function undashed(label: string): string | undefined {
  if (!/^[0-9a-f-]{2,39}$/.test(label)) return undefined;
  const isFour = /^\d+(?:-\d+){3}$/.test(label);
  const address = label.replaceAll("-", isFour ? "." : ":");
  const isAddress = isFour ? ipaddr.IPv4.isValidFourPartDecimal(address) : ipaddr.IPv6.isValid(address);
  if (!isAddress) return undefined;
  const usual = usualAddress(address);
  return dashed(usual) === label ? usual : undefined;
}

/** As a URL has it: RFC 5952, in hexadecimal throughout. */
export function usualAddress(address: string): string {
  const parsed = ipaddr.parse(address);
  return parsed.kind() === "ipv4" ? parsed.toString() : new URL(`http://[${parsed}]`).hostname.slice(1, -1);
}
