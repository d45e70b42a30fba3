import type { ServerCertificate } from "#tls/certificate/server-certificate.ts";
import type { Queries } from "../store/store.ts";

/** Taken before a certificate is written or removed, so that the setting and all certificates fit each other. */
export const CERTIFICATES_LOCK = "certificates";

/** What ACME was issued for all pools, and is in use. */
export interface IssuedCertificate {
  /** SHA-256, in hexadecimal digits. */
  readonly fingerprint: string;
  /** PEM, the leaf first. */
  readonly chain: string;
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** For ACME, which has the certificate of all pools while it is on. */
export interface IssuedCertificates {
  current(): Promise<IssuedCertificate | undefined>;
  /** Whether somebody has uploaded one for all pools; under the lock. */
  isUploaded(db: Queries): Promise<boolean>;
  /** Takes the place of the one that is there. Part of the transaction `db`, which has the lock. */
  put(db: Queries, certificate: ServerCertificate): Promise<void>;
}
