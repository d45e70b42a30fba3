import type { KeyObject, X509Certificate } from "node:crypto";

const limits = {
  /** NIST SP 800-131A, and what browsers take. */
  rsaBits: 2048,
} as const;

/** The curves that browsers take, under OpenSSL's names. */
const CURVES: readonly string[] = ["prime256v1", "secp384r1", "secp521r1"];

/** Of a certificate that somebody has to believe, in words that follow its name. */
export function weaknessesOf(certificate: X509Certificate): readonly string[] {
  const key = keyWeakness(certificate.publicKey);
  const signature = certificate.signatureAlgorithm ?? "";
  return [
    ...(key === undefined ? [] : [key]),
    ...(/sha-?1(?!\d)|md[245]/i.test(signature)
      ? [`is signed with ${/md/i.test(signature) ? "MD5" : "SHA-1"}, which is not believed any more`]
      : []),
  ];
}

function keyWeakness({
  asymmetricKeyType: type,
  asymmetricKeyDetails: details,
}: KeyObject): string | undefined {
  if (type === "ed25519") return undefined;
  if (type === "ec")
    return CURVES.includes(details?.namedCurve ?? "")
      ? undefined
      : `has a key on the curve ${details?.namedCurve}, which browsers do not take: P-256, P-384 and P-521 are taken`;
  if (type !== "rsa") return `has a key of the kind ${type}: RSA, ECDSA and Ed25519 are taken`;
  const bits = details?.modulusLength ?? 0;
  return bits < limits.rsaBits
    ? `has a weak key: RSA of ${bits} bits, where ${limits.rsaBits} are the least that is taken`
    : undefined;
}
