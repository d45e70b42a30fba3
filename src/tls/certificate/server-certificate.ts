import { createHash, type KeyObject, type X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { chainOf, isSelfSigned, oneLine } from "./chain.ts";
import { certificateNames } from "./names.ts";
import { type CertificateUpload, readUpload } from "./upload.ts";
import { weaknessesOf } from "./weakness.ts";

/** What it is judged by. */
export interface Demands {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** What is wrong with the names that it is for, in words. */
  readonly unfit: (names: readonly string[]) => readonly string[];
}

/** A certificate that a server can use, in one form whatever it was brought in. */
export interface ServerCertificate {
  /** SHA-256 of the leaf, as 64 hexadecimal digits. */
  readonly id: string;
  /** PEM, the leaf first, the root left out. */
  readonly chain: string;
  /** PKCS#8, PEM. */
  readonly privateKey: string;
  readonly names: readonly string[];
  readonly subject: string;
  readonly issuer: string;
  /** When the last of the chain begins and the first of it ends, in milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Problems are fragments in words, one for each thing that is wrong. They hold nothing of keys and passphrases. */
export type CertificateReading =
  | { readonly certificate: ServerCertificate }
  | { readonly problems: readonly string[] };

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const ANY_USAGE = "2.5.29.37.0";

/** Reads what was brought, and finds everything that is wrong with it, not only the first thing. Changes nothing. */
export function readServerCertificate(upload: CertificateUpload, demands: Demands): CertificateReading {
  const { keys, certificates, problems } = readUpload(upload);
  const { key, leaf, problems: unfit } = leafOf(keys, certificates);
  const chain = leaf === undefined ? undefined : chainOf(leaf, certificates);
  const found = [
    ...problems,
    // A key that could not be read fits nothing, which need not be said as well.
    ...(problems.length === 0 || keys.length > 0 ? unfit : []),
    ...(leaf === undefined ? [] : leafProblems(leaf, demands)),
    ...(chain?.missing === undefined ? [] : [missingIssuer(chain.missing)]),
    ...(chain?.served ?? []).flatMap((each) => certificateProblems(each, demands.now)),
  ];
  if (found.length > 0 || chain === undefined || leaf === undefined || key === undefined)
    return { problems: found };
  return loaded(toServerCertificate(chain.served, key));
}

interface Leaf {
  readonly key: KeyObject | undefined;
  readonly leaf: X509Certificate | undefined;
  readonly problems: readonly string[];
}

/** The certificate of the key; where there is none, the one that looks like it, so that all is said about that as well. */
function leafOf(keys: readonly KeyObject[], certificates: readonly X509Certificate[]): Leaf {
  for (const key of keys) {
    const leaf = certificates.find((each) => each.checkPrivateKey(key));
    if (leaf !== undefined) return { key, leaf, problems: [] };
  }
  // What signed itself may say that it is an authority, as “openssl req -x509” has it.
  const leaf =
    certificates.find(({ ca }) => !ca) ?? (certificates.length === 1 ? certificates[0] : undefined);
  if (certificates.length === 0) return { key: undefined, leaf: undefined, problems: [] };
  if (leaf === undefined)
    return {
      key: undefined,
      leaf,
      problems: ["there is no certificate of a server: what was brought are certificates of authorities"],
    };
  return {
    key: undefined,
    leaf,
    problems: keys.length === 0 ? [] : [`the private key does not fit the certificate ${named(leaf)}`],
  };
}

function leafProblems(leaf: X509Certificate, { unfit }: Demands): string[] {
  const names = certificateNames(leaf);
  const usages = leaf.keyUsage;
  return [
    ...(names.length === 0
      ? ["the certificate has no subject alternative names, and browsers look at no others"]
      : unfit(names)),
    ...(usages === undefined || usages.some((usage) => usage === SERVER_AUTH || usage === ANY_USAGE)
      ? []
      : ["the certificate is not for servers: serverAuth is not among its extended key usages"]),
  ];
}

function certificateProblems(certificate: X509Certificate, now: number): string[] {
  const said = `the certificate ${named(certificate)}`;
  const { validFromDate: from, validToDate: to } = certificate;
  const weaknesses = weaknessesOf(certificate).map((weakness) => `${said} ${weakness}`);
  if (to.getTime() <= now) return [`${said} expired on ${day(to)}`, ...weaknesses];
  return from.getTime() > now ? [`${said} is not valid before ${day(from)}`, ...weaknesses] : weaknesses;
}

function missingIssuer(issuer: string): string {
  return `the chain is incomplete: the certificate of its issuer “${issuer}” is missing; the root of an authority of your own has to come with it (--root)`;
}

function toServerCertificate(served: readonly X509Certificate[], key: KeyObject): ServerCertificate {
  const [leaf] = served;
  if (leaf === undefined) throw new Error("a chain begins with a leaf");
  return {
    id: createHash("sha256").update(leaf.raw).digest("hex"),
    chain: served.map((each) => each.toString()).join(""),
    privateKey: key.export({ format: "pem", type: "pkcs8" }).toString(),
    names: certificateNames(leaf),
    subject: oneLine(leaf.subject),
    issuer: oneLine(leaf.issuer),
    notBefore: Math.max(...served.map((each) => each.validFromDate.getTime())),
    notAfter: Math.min(...served.map((each) => each.validToDate.getTime())),
  };
}

/** What OpenSSL knows and the checks above do not. */
function loaded(certificate: ServerCertificate): CertificateReading {
  try {
    createSecureContext({ cert: certificate.chain, key: certificate.privateKey, minVersion: "TLSv1.2" });
    return { certificate };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
    return { problems: [`TLS does not take the certificate with its key (${code})`] };
  }
}

function named(certificate: X509Certificate): string {
  const name = certificateNames(certificate)[0] ?? oneLine(certificate.subject);
  return `“${name.slice(0, 100)}”${certificate.ca && !isSelfSigned(certificate) ? " of an authority" : ""}`;
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
