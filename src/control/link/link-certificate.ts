import { hostname, networkInterfaces } from "node:os";
import type { HostPort } from "#base/config.ts";
import { type Authority, issueServerCertificate } from "#tls/authority.ts";
import { isWildcard } from "#wire/address.ts";

/** What the link's listener shows to nodes. All PEM. */
export interface LinkCertificate {
  readonly cert: string;
  readonly key: string;
  /** The CA that nodes' certificates must come from. */
  readonly ca: string;
}

/** A certificate of the installation's own CA, for every name under which nodes may reach this control. */
export async function issueLinkCertificate(
  authority: Authority,
  {
    listen,
    names,
    now,
  }: {
    readonly listen: HostPort;
    /** Further names, such as that of a load balancer. */
    readonly names: readonly string[];
    readonly now: number;
  },
): Promise<LinkCertificate> {
  const hosts = isWildcard(listen.host) ? ownAddresses() : [listen.host];
  const all = new Set([...hosts, ...names, hostname(), "localhost", "127.0.0.1", "::1"]);
  const { certificate, privateKey } = await issueServerCertificate(authority, { hosts: [...all], now });
  return { cert: certificate, key: privateKey, ca: authority.certificate };
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ scopeid }) => !scopeid)
    .map(({ address }) => address);
}
