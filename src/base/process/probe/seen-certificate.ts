import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import { checkServerIdentity, getCACertificates } from "node:tls";
import type { ProbeFacts, ProbeFinding } from "./probe-failure.ts";

/** By what certificates are judged. */
export interface Trust {
  /** PEM, of those that are trusted here. */
  readonly roots: readonly string[];
  /** The installation's own CA, PEM, which may not be among them. */
  readonly authority?: string | undefined;
}

const limits = {
  /** Certificates of a chain that are told of. */
  chain: 8,
  /** Of a certificate with many names. */
  namesCharacters: 300,
  /** An end is soon within so many days, and within this part of the whole life: some live for six days. */
  soonMs: 14 * 24 * 60 * 60 * 1000,
  soonPart: 0.2,
} as const;

/** Those that Node brings, as browsers do, with those of this system. */
export function systemRoots(): readonly string[] {
  return [...new Set([...getCACertificates("default"), ...getCACertificates("system")])];
}

export interface SeenCertificate {
  readonly finding: ProbeFinding | "ok";
  readonly facts: ProbeFacts;
}

const FINDINGS: Readonly<Record<string, ProbeFinding>> = {
  CERT_HAS_EXPIRED: "tls_expired",
  CERT_NOT_YET_VALID: "tls_not_yet",
  DEPTH_ZERO_SELF_SIGNED_CERT: "tls_self_signed",
  SELF_SIGNED_CERT_IN_CHAIN: "tls_unknown_authority",
};

/** Who signed the last certificate was neither shown, nor is it known here. Servers leave the root out, so that is no fault by itself. */
const ISSUER_UNKNOWN: ReadonlySet<string> = new Set([
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** What a client has against the certificate that it was shown: the gravest thing. */
export function judgeCertificate(
  socket: TLSSocket,
  host: string,
  trust: Trust,
  now: number = Date.now(),
): SeenCertificate {
  const chain = chainOf(socket.getPeerCertificate(true));
  const [leaf] = chain;
  if (leaf === undefined) return { finding: "tls_fails", facts: {} };
  const facts: ProbeFacts = {
    certificate: nameOf(leaf.subject),
    names: namesOf(leaf),
    issuer: nameOf(leaf.issuer),
    ends: new Date(leaf.valid_to).toISOString(),
    chain: chain.map(({ subject }) => nameOf(subject)).join(" ← "),
    tls: socket.getProtocol() ?? "",
  };
  const code = String(socket.authorizationError ?? "");
  const finding = findingOf({ code, chain, leaf, host, trust, now });
  return { finding, facts: { ...facts, ...reasonOf(finding, { code, chain }) } };
}

/** What the finding leaves open. */
function reasonOf(
  finding: ProbeFinding | "ok",
  { code, chain }: { readonly code: string; readonly chain: readonly DetailedPeerCertificate[] },
): ProbeFacts {
  if (finding === "tls_unfit") return { reason: code };
  return ISSUER_UNKNOWN.has(code) ? { "not sent": nameOf(chain.at(-1)?.issuer) } : {};
}

function findingOf(seen: {
  /** Of OpenSSL; empty where it has nothing against the certificate. */
  readonly code: string;
  readonly chain: readonly DetailedPeerCertificate[];
  readonly leaf: DetailedPeerCertificate;
  readonly host: string;
  readonly trust: Trust;
  readonly now: number;
}): ProbeFinding | "ok" {
  const { code, chain, leaf, host, trust, now } = seen;
  const isAltered = code === "ERR_TLS_CERT_ALTNAME_INVALID";
  if (code in FINDINGS) return FINDINGS[code] ?? "tls_unfit";
  // Public authorities sign with intermediates, so one that comes alone lacks them; behind an intermediate, it is the root that is not known.
  if (ISSUER_UNKNOWN.has(code)) return chain.length === 1 ? "tls_chain_incomplete" : "tls_unknown_authority";
  if (code !== "" && !isAltered) return "tls_unfit";
  if (checkServerIdentity(host, leaf) !== undefined) return "tls_wrong_name";
  if (isOnlyOurs(chain.at(-1), trust)) return "tls_own_authority";
  return endsSoon(leaf, now) ? "tls_ends_soon" : "ok";
}

/** Whether the chain ends at the installation's own CA, and that is not trusted here besides. */
function isOnlyOurs(last: DetailedPeerCertificate | undefined, { authority, roots }: Trust): boolean {
  if (last === undefined || authority === undefined) return false;
  const ours = bodyOf(authority);
  return last.raw.toString("base64") === ours && !roots.some((root) => bodyOf(root) === ours);
}

function bodyOf(pem: string): string {
  return pem.replace(/-----[^-]+-----|\s/g, "");
}

function endsSoon({ valid_from: from, valid_to: to }: DetailedPeerCertificate, now: number): boolean {
  const end = Date.parse(to);
  const life = end - Date.parse(from);
  return end - now < Math.min(limits.soonMs, life * limits.soonPart);
}

/** The certificate first. What issued itself stands last, and is its own issuer to Node. */
function chainOf(leaf: DetailedPeerCertificate): readonly DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = [];
  let current: DetailedPeerCertificate | undefined = leaf.raw === undefined ? undefined : leaf;
  while (current !== undefined && chain.length < limits.chain && !chain.includes(current)) {
    chain.push(current);
    current = current.issuerCertificate;
  }
  return chain;
}

function nameOf(name: DetailedPeerCertificate["subject"] | undefined): string {
  const said = name?.CN ?? name?.O ?? "?";
  return String(said);
}

function namesOf({ subjectaltname = "" }: DetailedPeerCertificate): string {
  // Others are of no use to a browser.
  const names = [...subjectaltname.matchAll(/(?:DNS|IP Address):([^,]+)/g)]
    .map(([, name]) => name)
    .join(", ");
  return names.length > limits.namesCharacters ? `${names.slice(0, limits.namesCharacters)}…` : names;
}
