import "reflect-metadata";
import { createHash, X509Certificate as NativeCertificate } from "node:crypto";
import type { PeerCertificate } from "node:tls";
import {
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from "@peculiar/x509";

/** Which node of which installation a certificate names. */
export interface NodeIdentity {
  readonly installationId: string;
  readonly nodeId: string;
}

/** A certificate as PEM, as node:crypto has it, or as `socket.getPeerCertificate()` gives it. */
export type AnyCertificate = string | NativeCertificate | Pick<PeerCertificate, "raw">;

const NODE_URI = /^porthole:node:([A-Za-z0-9._-]{1,64}):([A-Za-z0-9._-]{1,64})$/;

/** The URI name of a certificate that nodes show to browsers. */
export const ENTRANCE_URI = "porthole:entrance";

/** Whether a certificate says that it is for browsers. */
export function isEntrance(certificate: AnyCertificate): boolean {
  const names = parse(certificate)?.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  return names.some(({ type, value }) => type === "url" && value === ENTRANCE_URI);
}

/** The URI name of a node's certificate. Throws for ids that could be read as something else. */
export function nodeUri({ installationId, nodeId }: NodeIdentity): string {
  const uri = `porthole:node:${installationId}:${nodeId}`;
  if (!NODE_URI.test(uri)) throw new Error("an id has characters that a node's certificate cannot carry");
  return uri;
}

/**
 * Who a certificate says it is, if it says that it is a node: one node URI, allowed as a TLS client.
 * `undefined` for every other role. It does not judge the signature: TLS did, with the installation's CA.
 */
export function nodeIdentity(certificate: AnyCertificate): NodeIdentity | undefined {
  const parsed = parse(certificate);
  const usages = parsed?.getExtension(ExtendedKeyUsageExtension)?.usages ?? [];
  const uris = (parsed?.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [])
    .filter((name) => name.type === "url")
    .map((name) => NODE_URI.exec(name.value));
  const [, installationId, nodeId] = uris[0] ?? [];
  if (uris.length !== 1 || !usages.includes(ExtendedKeyUsage.clientAuth)) return undefined;
  return installationId === undefined || nodeId === undefined ? undefined : { installationId, nodeId };
}

/** SHA-256 over the DER of a certificate (the first, where a PEM text has several), base64url. */
export function fingerprint(certificate: AnyCertificate): string {
  return createHash("sha256").update(der(certificate)).digest("base64url");
}

function parse(certificate: AnyCertificate): X509Certificate | undefined {
  try {
    return new X509Certificate(new Uint8Array(der(certificate)));
  } catch {
    // A peer without a certificate comes as an empty object, one with a strange extension as bytes we cannot read.
    return undefined;
  }
}

function der(certificate: AnyCertificate): Uint8Array {
  return typeof certificate === "string" ? new NativeCertificate(certificate).raw : certificate.raw;
}
