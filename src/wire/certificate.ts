import { type Static, Type } from "typebox";
import { Id, Pool, Time } from "./api.ts";

export const NewCertificate = Type.Object(
  {
    certificate: Type.Optional(
      Type.String({
        maxLength: 65_536,
        description:
          "PEM: the certificate, those of its authorities in any order, and the root where it is not one that everybody knows",
      }),
    ),
    privateKey: Type.Optional(
      Type.String({
        maxLength: 65_536,
        description: "PEM: PKCS#8, PKCS#1 or SEC 1, encrypted or not; it may stand in `certificate` as well",
      }),
    ),
    pkcs12: Type.Optional(
      Type.String({ maxLength: 87_384, description: "base64; in place of `certificate` and `privateKey`" }),
    ),
    passphrase: Type.Optional(
      Type.String({
        maxLength: 1024,
        description: "of the private key or the PKCS#12, where it is encrypted",
      }),
    ),
    domain: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 253,
        description:
          "sets `consoleproxy.url.domain` as well: to `*.DOMAIN` where the certificate is for that, else to the name itself",
      }),
    ),
    /** All pools that have none of their own, if absent. */
    pool: Type.Optional(Pool),
  },
  { additionalProperties: false },
);
export type NewCertificate = Static<typeof NewCertificate>;

/** What nodes show to browsers. Its private key is never told. */
export const Certificate = Type.Object({
  id: Id,
  /** Absent: of all pools that have none of their own. */
  pool: Type.Optional(Pool),
  /** SHA-256, in hexadecimal digits. */
  fingerprint: Type.String(),
  names: Type.Array(Type.String()),
  subject: Type.String(),
  issuer: Type.String(),
  notBefore: Time,
  /** When the first of its chain ends. */
  notAfter: Time,
  /** PEM: what is shown, the certificate first. */
  chain: Type.String(),
  chainId: Type.String({
    description: "SHA-256 of `chain`: nodes that serve it say the same in their `certificate`.",
  }),
  createdAt: Time,
  source: Type.Enum(["upload", "acme"], {
    description:
      "Who renews it. `acme`: Porthole, by itself, while ACME is on; `upload`: whoever brings the next one",
  }),
});
export type Certificate = Static<typeof Certificate>;

/** The installation's own CA: what a node that joins without a join token needs to know control by. */
export const NodeAuthority = Type.Object({
  /** PEM. */
  certificate: Type.String(),
  /** SHA-256 of it, base64url; every join token begins with it. */
  fingerprint: Type.String(),
  /** Absent from an older control. */
  notAfter: Type.Optional(Time),
});
export type NodeAuthority = Static<typeof NodeAuthority>;
