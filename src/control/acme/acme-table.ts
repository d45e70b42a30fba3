import type { ChallengeType } from "#tls/acme/order.ts";

/** One row, while certificates come from an authority by themselves. */
export interface AcmeTable {
  id: "acme";
  directory: string;
  /** A mail address, or empty. */
  contact: string;
  agrees_to_terms: 0 | 1;
  challenge: ChallengeType;
  /** PEM: of an authority that not everybody knows; or empty. */
  roots: string;
  binding_key_id: string | null;
  binding_key_sealed: string | null;
  /** PKCS#8, PEM. */
  account_key_sealed: string;
  account_thumbprint: string;
  /** Null before the authority has told it. */
  account_url: string | null;
  /** Of the order that runs, which counts as given up after that time. */
  attempt_id: string | null;
  attempt_until: number | null;
  /** Of the last order, whatever came of it. */
  attempted_at: number | null;
  attempted_domain: string | null;
  succeeded_at: number | null;
  /** Since the last success. */
  failures: number;
  /** Why the last order failed, in words; null if it did not. */
  problem: string | null;
  /** No order begins sooner, unless the domain has changed. */
  next_at: number;
  /** Whether somebody has asked for a new certificate. */
  is_wanted: 0 | 1;
  /** When the certificate in use is to be renewed. */
  renew_at: number | null;
  /** What the authority suggests for that, and when it is asked again. */
  window_start: number | null;
  window_end: number | null;
  window_explanation: string | null;
  ask_at: number | null;
}
