import type { Certificate, NewCertificate } from "#wire/certificate.ts";
import type { Caller } from "../services.ts";

/** What nodes show to browsers. */
export interface Certificates {
  /** That of all pools first. */
  list(caller: Caller): Promise<readonly Certificate[]>;
  /** When the certificate or the part with this id came. */
  uploadedAt(caller: Caller, id: string): Promise<Date>;
  /**
   * Takes the place of the one that its pools had. `certificate_refused` with everything that is wrong with it, and then
   * nothing is changed. With `isCompletedByParts` those count as part of its chain that were added before.
   */
  upload(
    caller: Caller,
    certificate: NewCertificate,
    options?: { readonly isCompletedByParts?: boolean },
  ): Promise<Certificate>;
  /** Keeps certificates of authorities for the leaf that is to come. Who brings the same name again replaces it. */
  addPart(caller: Caller, part: CertificatePart): Promise<{ readonly id: string }>;
  /** Its nodes go back to that of all pools, or to that of the installation's own CA. */
  remove(caller: Caller, id: string): Promise<void>;
}

/** One link of a chain, as CloudStack's clients bring it. */
export interface CertificatePart {
  readonly name: string;
  readonly sequence: number;
  /** PEM. */
  readonly certificate: string;
}
