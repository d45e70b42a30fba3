import { X509Certificate } from "node:crypto";
import { getCACertificates } from "node:tls";

const limits = {
  /** Of a chain, the leaf among them. */
  certificates: 10,
} as const;

/** What a server shows to those who connect to it. */
export interface Chain {
  /** The leaf, then each one's issuer; the root is left out, which they have to have anyway. */
  readonly served: readonly X509Certificate[];
  /** The subject of the next one, where that is neither there nor a root that everybody knows. */
  readonly missing: string | undefined;
}

/**
 * Puts a leaf's chain together out of certificates in any order, by their signatures: names alone may be anybody's. What
 * does not belong to it is left out.
 */
export function chainOf(leaf: X509Certificate, others: readonly X509Certificate[]): Chain {
  const served = [leaf];
  for (;;) {
    const last = served.at(-1) ?? leaf;
    if (isSelfSigned(last)) return { served, missing: undefined };
    const issuers = others.filter((each) => hasIssued(each, last) && !served.some((one) => same(one, each)));
    if (issuers.some(isSelfSigned) || knownRoots(last.issuer).some((root) => hasIssued(root, last)))
      return { served, missing: undefined };
    const issuer = issuers.toSorted((a, b) => b.validToDate.getTime() - a.validToDate.getTime())[0];
    if (issuer === undefined || served.length >= limits.certificates)
      return { served, missing: oneLine(last.issuer) };
    served.push(issuer);
  }
}

export function isSelfSigned(certificate: X509Certificate): boolean {
  return hasIssued(certificate, certificate);
}

/** A distinguished name as one line: node:crypto puts each part on its own. */
export function oneLine(name: string): string {
  return name.split("\n").join(", ");
}

function hasIssued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && verifies(certificate, issuer);
}

function verifies(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    // A key of a kind that OpenSSL does not know signs nothing for us.
    return false;
  }
}

function same(one: X509Certificate, other: X509Certificate): boolean {
  return one.fingerprint256 === other.fingerprint256;
}

/** The roots that everybody knows, PEM: those that come with Node, and with the system. */
export function everybodysRoots(): readonly string[] {
  return [...new Set([...getCACertificates("default"), ...getCACertificates("system")])];
}

let roots: ReadonlyMap<string, readonly X509Certificate[]> | undefined;

/** Of everybody's those with this subject. Read when they are first asked for. */
function knownRoots(subject: string): readonly X509Certificate[] {
  roots ??= Map.groupBy(everybodysRoots().flatMap(readable), (root) => root.subject);
  return roots.get(subject) ?? [];
}

function readable(pem: string): X509Certificate[] {
  try {
    return [new X509Certificate(pem)];
  } catch {
    return [];
  }
}
