import { type Static, Type } from "typebox";
import { Time } from "./api.ts";

const Challenge = Type.Enum(["dns-01", "http-01"], {
  description:
    "How the authority is shown that the domain is ours: `dns-01` by control's own name server, which alone gets certificates for all of `*.example.com`; `http-01` by the nodes on port 80",
});

/** What is to be changed; what is absent stays as it is. */
export const AcmeChange = Type.Object(
  {
    directory: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 2048,
        description:
          "The URL of the authority's directory; Let's Encrypt's, if nothing was ever said. With another one the account, the agreement and the external account are new",
      }),
    ),
    contact: Type.Optional(
      Type.String({ maxLength: 253, description: "A mail address for the authority; empty: none" }),
    ),
    agreesToTerms: Type.Optional(
      Type.Boolean({ description: "Whether you agree to the authority's terms of service" }),
    ),
    challenge: Type.Optional(Challenge),
    externalAccount: Type.Optional(
      Type.Union([
        Type.Object(
          {
            keyId: Type.String({ minLength: 1, maxLength: 256 }),
            hmacKey: Type.String({
              minLength: 1,
              maxLength: 1024,
              description: "base64url, as the authority gives it. It is never told again",
            }),
          },
          { additionalProperties: false },
        ),
        Type.Null(),
      ]),
    ),
    roots: Type.Optional(
      Type.String({
        maxLength: 65_536,
        description:
          "PEM: the roots of an authority that not everybody knows, by which its directory and its certificates are judged, beside those that everybody knows; empty: none",
      }),
    ),
    replacesUpload: Type.Optional(
      Type.Boolean({
        description:
          "Must be true where a certificate was uploaded for all pools, whose place the first one that is issued takes",
      }),
    ),
  },
  { additionalProperties: false },
);
export type AcmeChange = Static<typeof AcmeChange>;

/** `idle`: there is no domain to order for. `ready`: nothing is to be done before `nextAttemptAt`. */
const ACME_STATES = ["off", "idle", "waiting", "ordering", "ready", "failing"] as const;

/** Certificates that come and are renewed by themselves, and how that goes. Keys are never told. */
export const Acme = Type.Object({
  state: Type.Enum([...ACME_STATES]),
  directory: Type.Optional(Type.String()),
  contact: Type.Optional(Type.String()),
  agreesToTerms: Type.Optional(Type.Boolean()),
  challenge: Type.Optional(Challenge),
  externalAccount: Type.Optional(Type.Object({ keyId: Type.String() })),
  /** Subjects of the roots that were given. */
  roots: Type.Optional(Type.Array(Type.String())),
  /** For which it is ordered now. */
  names: Type.Optional(Type.Array(Type.String())),
  /** SHA-256 of what was issued last, and is in use. */
  certificate: Type.Optional(Type.String()),
  /** When its chain ends. */
  notAfter: Type.Optional(Time),
  lastAttemptAt: Type.Optional(Time),
  lastSuccessAt: Type.Optional(Time),
  /** Since then. */
  failures: Type.Optional(Type.Integer()),
  /** Why the last one failed, and what to do. */
  problem: Type.Optional(Type.String()),
  nextAttemptAt: Type.Optional(Time),
  /** What the authority suggests (RFC 9773). */
  renewalWindow: Type.Optional(
    Type.Object({ start: Time, end: Time, explanation: Type.Optional(Type.String()) }),
  ),
});
export type Acme = Static<typeof Acme>;
