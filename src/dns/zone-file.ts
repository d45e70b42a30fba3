import { dashed } from "./dashed-name.ts";
import { mailboxName, SOA_TIMES, TTL, type ZoneData } from "./zone-data.ts";

/**
 * The zone as a master file (RFC 1035 §5), for people who have name servers of their own. Without challenges of certificate
 * authorities, which come and go, and without ranges: `more` are addresses that have a name beside those of the zone.
 */
export function zoneFile(zone: ZoneData, more: Iterable<string> = []): string {
  const { domain, nameServers, contact, serial, issuers, apex, addresses } = zone;
  const { refresh, retry, expire } = SOA_TIMES;
  const [primary] = nameServers;
  const inside = nameServers.filter(({ name }) => name.endsWith(`.${domain}`));
  return [
    `$ORIGIN ${domain}.`,
    `$TTL ${TTL.addresses}`,
    `@ ${TTL.rest} IN SOA ${primary?.name}. ${mailboxName(contact)}. ${serial} ${refresh} ${retry} ${expire} ${TTL.nothing}`,
    ...nameServers.map(({ name }) => `@ ${TTL.rest} IN NS ${name}.`),
    ...issuers.map((issuer) => `@ ${TTL.rest} IN CAA 0 issue "${issuer}"`),
    ...apex.map((address) => line("@", address)),
    ...inside.flatMap(({ name, addresses: own }) => own.map((address) => line(`${name}.`, address))),
    ...[...new Set([...addresses, ...more])].map((address) => line(dashed(address), address)),
    "",
  ].join("\n");
}

function line(owner: string, address: string): string {
  return `${owner} IN ${address.includes(":") ? "AAAA" : "A"} ${address}`;
}
