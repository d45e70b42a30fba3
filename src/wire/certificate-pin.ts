/** Hexadecimal digits of a fingerprint. */
const DIGITS = { sha256: 64, sha1: 40 } as const;

/**
 * A certificate's fingerprint, `sha256:` or `sha1:` and its digits, in the one spelling in which it is kept. OpenSSL prints colons and
 * upper case, others do not. `undefined` for what is none.
 */
export function readCertificatePin(text: string): string | undefined {
  const match = /^(sha256|sha1):([0-9a-f:]+)$/.exec(text.trim().toLowerCase());
  const algorithm = match?.[1] === "sha1" ? "sha1" : "sha256";
  const digits = (match?.[2] ?? "").replaceAll(":", "");
  return digits.length === DIGITS[algorithm] ? `${algorithm}:${digits}` : undefined;
}
