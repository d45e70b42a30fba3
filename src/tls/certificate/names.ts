import "reflect-metadata";
import type { X509Certificate as NativeCertificate } from "node:crypto";
import { SubjectAlternativeNameExtension, X509Certificate } from "@peculiar/x509";

/**
 * The names and addresses that a certificate is for, in lower case. Its common name is none: browsers have not looked at
 * that for years (RFC 9110 §4.3.4).
 */
export function certificateNames(certificate: NativeCertificate): readonly string[] {
  return alternativeNames(certificate)
    .filter(({ type }) => type === "dns" || type === "ip")
    .map(({ value }) => value.toLowerCase());
}

/** Whether one of them is good for a name, or for all of `*.example.com` where that is asked for (RFC 9525 §6.3). */
export function coversName(names: readonly string[], wanted: string): boolean {
  const name = wanted.toLowerCase();
  if (names.includes(name)) return true;
  const [label, ...domain] = name.split(".");
  return label !== "*" && domain.length > 1 && names.includes(`*.${domain.join(".")}`);
}

function alternativeNames({ raw }: NativeCertificate): readonly { type: string; value: string }[] {
  try {
    const extension = new X509Certificate(new Uint8Array(raw)).getExtension(SubjectAlternativeNameExtension);
    return extension?.names.items ?? [];
  } catch {
    // OpenSSL reads the rest of it; nobody can say what it is for.
    return [];
  }
}
