import type { Acme, AcmeChange } from "#wire/acme.ts";
import type { Caller } from "../services.ts";

/** Certificates of all pools that come from an authority by themselves. */
export interface AcmeService {
  show(caller: Caller): Promise<Acme>;
  /**
   * Turns it on, or changes what is said; what is absent stays. An order begins soon, whatever failed before. `conflict`
   * where a certificate was uploaded for all pools and nobody says that its place is to be taken.
   */
  configure(caller: Caller, change: AcmeChange): Promise<Acme>;
  /** Has a new certificate ordered, though there is one. `conflict` where it is off. */
  renew(caller: Caller): Promise<Acme>;
  /** Turns it off, and forgets the account's key. What was issued stays in use. */
  disable(caller: Caller): Promise<void>;
}
