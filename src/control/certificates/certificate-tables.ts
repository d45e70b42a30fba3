import type { Generated } from "kysely";

/** What the nodes of a pool show to browsers; of each pool there is one at most. */
export interface CertificateTable {
  id: string;
  /** Empty: that of all pools which have none of their own. */
  pool: string;
  /** SHA-256 of the leaf, in hexadecimal digits. */
  fingerprint: string;
  /** PEM, the leaf first, the root left out. */
  chain: string;
  /** PKCS#8, PEM. */
  private_key_sealed: string;
  /** A list, as JSON. */
  names: string;
  subject: string;
  issuer: string;
  not_before: number;
  not_after: number;
  created_at: number;
  /** Whether somebody brought it, or ACME did. */
  source: Generated<"upload" | "acme">;
}

/** Certificates of authorities, which clients of CloudStack's bring before the leaf, one by one. */
export interface CertificatePartTable {
  id: string;
  /** CloudStack's alias; who brings it again replaces it. */
  name: string;
  sequence: number;
  /** PEM. */
  certificate: string;
  created_at: number;
}
