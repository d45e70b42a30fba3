/** A certificate's SHA-256 as XAPI writes it, AB:CD:…, as a pin; undefined where it is none. */
export function toPin(fingerprint: string): string | undefined {
  const digits = fingerprint.replaceAll(":", "").toLowerCase();
  return /^[0-9a-f]{64}$/.test(digits) ? `sha256:${digits}` : undefined;
}
