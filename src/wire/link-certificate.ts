import { type Static, Type } from "typebox";
import { Incarnation } from "./link.ts";

const limits = {
  /** Several certificates with long lists of names. */
  chainCharacters: 128 * 1024,
  /** RSA of 16384 bits takes about 13 000. */
  privateKeyCharacters: 32 * 1024,
} as const;

/** What a node shows to browsers, and the key that it speaks for. */
export const ServingCertificate = Type.Object({
  /** SHA-256 of the leaf, in hexadecimal. */
  id: Type.String({ pattern: "^[0-9a-f]{64}$" }),
  /** PEM, the leaf first. */
  chain: Type.String({ maxLength: limits.chainCharacters }),
  /** PKCS#8, PEM. */
  privateKey: Type.String({ maxLength: limits.privateKeyCharacters }),
});
export type ServingCertificate = Static<typeof ServingCertificate>;

/**
 * consoleproxy.sslEnabled, and with what: the node serves TLS under this certificate to whoever connects from now on, or,
 * with `certificate` absent, plain HTTP. Connections that are open go on as they are. An older node knows no such command.
 */
export const CertificateCommand = Type.Object({
  incarnation: Incarnation,
  certificate: Type.Optional(ServingCertificate),
});
export type CertificateCommand = Static<typeof CertificateCommand>;

/** What the node serves now; absent: plain HTTP. With `problem` it goes on with what it had, and that is why. */
export const CertificateAnswer = Type.Object({
  serves: Type.Optional(
    Type.Object({
      id: Type.String({ maxLength: 64 }),
      /** Milliseconds since 1970. */
      notAfter: Type.Integer(),
    }),
  ),
  problem: Type.Optional(Type.String({ maxLength: 1000 })),
});
export type CertificateAnswer = Static<typeof CertificateAnswer>;
