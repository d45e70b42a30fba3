import { createHash, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { Clock } from "#base/clock.ts";
import { type Authority, issueEntranceCertificate } from "#tls/authority.ts";
import type { ServingCertificate } from "#wire/link-certificate.ts";
import { type Entrance, hostsOf, publicNames } from "./public-names.ts";

/** What a node serves that nobody has uploaded a certificate for. */
export interface DefaultCertificates {
  /** The names that it is for, as text that is the same for the same names. */
  namesOf(entrances: readonly Entrance[], domain: string): string;
  /** Whether one that ends then is good for longer, or a new one is to take its place. */
  lasts(notAfter: number): boolean;
  /** With a key of its own, which is told to the node and kept nowhere. */
  issue(names: string): Promise<ServingCertificate>;
}

/** Of a node that has a name of its own: no browser takes it, and a certificate for the name is to be uploaded. */
const NOBODY = "node.invalid";

const DAY_MS = 24 * 60 * 60 * 1000;

const lifetimes = {
  wholeMs: 90 * DAY_MS,
  /** A month in which control or the node may be away. */
  renewedBeforeMs: 30 * DAY_MS,
} as const;

/** Certificates of the installation's own CA: who trusts that one trusts every node, from the first moment on. */
export function createDefaultCertificates(authority: Authority, clock: Clock): DefaultCertificates {
  return {
    namesOf(entrances, domain) {
      const all = [...entrances.map((entrance) => publicNames(entrance, domain)), ...entrances];
      const vouched = hostsOf(...all).filter((host) => isIP(host) !== 0 || isUnder(host, domain));
      return vouched.join(" ") || NOBODY;
    },

    lasts: (notAfter) => notAfter - clock.now() > lifetimes.renewedBeforeMs,

    async issue(names) {
      const hosts = names.split(" ");
      const options = { hosts, now: clock.now(), lifetimeMs: lifetimes.wholeMs };
      const { certificate: chain, privateKey } = await issueEntranceCertificate(authority, options);
      const id = createHash("sha256").update(new X509Certificate(chain).raw).digest("hex");
      return { id, chain, privateKey };
    },
  };
}

/**
 * INVARIANT: of names, the installation's CA signs those under the domain and no others. A node says by itself what it is
 * called, and browsers that trust the CA would believe it that it is anybody.
 */
function isUnder(host: string, domain: string): boolean {
  return domain.startsWith("*.") ? host.endsWith(domain.slice(1)) : host === domain;
}
