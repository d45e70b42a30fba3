import { usualAddress } from "#dns/dashed-name.ts";
import { zoneFile } from "#dns/zone-file.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { addressesIn, type IpRange, parseIpRange, sizeOf } from "../fleet/ip-range.ts";
import { requireAdministrator } from "../rights.ts";
import type { Names } from "../services.ts";
import type { ReadZones } from "./zone-reading.ts";

const limits = {
  /** Of a range whose names are printed: a /16 of IPv4. */
  addresses: 65_536,
} as const;

/** The zone, for administrators. */
export function createNames(readZones: ReadZones): Names {
  return {
    async zone(caller, { range } = {}) {
      requireAdministrator(caller);
      const { now: zone } = await readZones();
      if (zone === undefined)
        throw refused("the setting consoleproxy.url.domain names no domain: set it first");
      const [primary, ...others] = zone.nameServers;
      const isUnnamed = others.length === 0 && primary?.name === `ns.${zone.domain}`;
      if (isUnnamed && primary.addresses.length === 0)
        throw refused("the setting dns.name.servers names no name servers, which a zone must have");
      const more = range === undefined ? [] : addressesIn(read(range)).map(usualAddress);
      return { domain: zone.domain, zone: zoneFile(zone, more) };
    },
  };
}

function read(text: string): IpRange {
  let range: IpRange;
  try {
    range = parseIpRange(text);
  } catch (cause) {
    throw refused(`range: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  if (sizeOf(range) > limits.addresses)
    throw refused(`range: it has more than ${limits.addresses} addresses`);
  return range;
}

function refused(detail: string, cause?: unknown): GatewayError {
  return new GatewayError("request_invalid", { detail, cause });
}
