import { constants, createHash, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import type { Log } from "#base/process/log.ts";
import { isEntrance } from "#tls/node-identity.ts";
import type { CertificateAnswer, ServingCertificate } from "#wire/link-certificate.ts";

/** What browsers of the last years speak, and nothing else: Mozilla's "intermediate" without finite-field groups. */
const CIPHERS = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
] as const;

const PROBLEM_CHARACTERS = 500;

/** A certificate that this process can serve. */
export interface Loaded {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
  readonly options: SecureContextOptions;
  readonly context: SecureContext;
  isFor(name: string): boolean;
  /** Of an authority that is not the installation's own. */
  readonly isPublic: boolean;
}

/** Throws an Error that says why it cannot be served. */
function load({ id, chain, privateKey }: ServingCertificate): Loaded {
  const leaf = new X509Certificate(chain);
  if (createHash("sha256").update(leaf.raw).digest("hex") !== id)
    throw new Error("the certificate is not the one that was announced");
  const options: SecureContextOptions = {
    cert: chain,
    key: privateKey,
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
    ciphers: CIPHERS.join(":"),
    // Who has no hardware for AES knows best; and nobody has a reason to negotiate anew.
    honorCipherOrder: false,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
  return {
    id,
    notAfter: leaf.validToDate.getTime(),
    options,
    context: createSecureContext(options), // Throws where the key is another's.
    isPublic: !isEntrance(leaf),
    isFor: (name) => leaf.checkHost(name, { subject: "never" }) !== undefined,
  };
}

export interface Served {
  /** What it serves now. */
  readonly current: Loaded | undefined;
  /** Takes over what control says, or keeps what there is and says why. */
  take(certificate: ServingCertificate | undefined): CertificateAnswer;
}

/** Which certificate a node serves. `use` puts another one, or none, in place of it. */
export function createServed(use: (loaded: Loaded | undefined) => void, log: Log): Served {
  let current: Loaded | undefined;
  const answer = (problem?: string): CertificateAnswer => ({
    ...(current === undefined ? {} : { serves: { id: current.id, notAfter: current.notAfter } }),
    ...(problem === undefined ? {} : { problem }),
  });
  return {
    get current() {
      return current;
    },
    take(certificate) {
      // A mended chain has the same leaf.
      if (certificate?.id === current?.id && certificate?.chain === current?.options.cert) return answer();
      try {
        const loaded = certificate === undefined ? undefined : load(certificate);
        use(loaded);
        current = loaded;
        log.info({ certificate: loaded?.id }, loaded === undefined ? "Serves plain HTTP" : "Serves TLS");
        return answer();
      } catch (error) {
        log.error({ certificate: certificate?.id, error }, "A certificate cannot be served");
        return answer((error instanceof Error ? error.message : String(error)).slice(0, PROBLEM_CHARACTERS));
      }
    },
  };
}
