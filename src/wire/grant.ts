import { type Static, Type } from "typebox";

export const PROTOCOLS = ["rfb"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

const Address = Type.Union([
  Type.Object({
    kind: Type.Literal("tcp"),
    host: Type.String(),
    port: Type.Integer({ minimum: 1, maximum: 65_535 }),
  }),
  Type.Object({ kind: Type.Literal("unix"), path: Type.String() }),
]);

/** The hypervisor's console password; absent where it asks for none. */
const password = Type.Optional(Type.String());

/** By which a node shows a hypervisor who it is: PEM. */
const client = Type.Optional(Type.Object({ certificate: Type.String(), key: Type.String() }));

/** The console is spoken to by TLS and not without, and this is how its certificate is judged. */
export const UpstreamTls = Type.Union([
  Type.Object({
    mode: Type.Literal("verify"),
    /** PEM; the authorities of the node's system if absent. */
    ca: Type.Optional(Type.String()),
    /** What the certificate has to be for. */
    serverName: Type.String(),
    client,
  }),
  Type.Object({
    mode: Type.Literal("pin"),
    /** `sha256:` or `sha1:`, and the certificate's fingerprint in lower-case hexadecimal digits. */
    pin: Type.String(),
    client,
  }),
  /** Whatever it shows will do, and nothing (anonymous Diffie-Hellman). */
  Type.Object({ mode: Type.Literal("insecure"), client }),
]);
export type UpstreamTls = Static<typeof UpstreamTls>;

/** Where and how a node reaches one console. Made by a driver at redemption, dialled by the node, seen by nobody else. */
export const Upstream = Type.Object({
  address: Address,
  password,
  /** The password is that of this account. */
  username: Type.Optional(Type.String()),
  tls: Type.Optional(UpstreamTls),
});
export type Upstream = Static<typeof Upstream>;

/**
 * An upstream in a grant. Where it demands what an older node does not know, it is `guarded`: such a node would pass over the
 * demand and connect without, so it is to find no address at all, and refuse.
 */
const GrantedUpstream = Type.Union([
  Type.Object({ address: Address, password }),
  Type.Object({ guarded: Upstream }),
]);
type GrantedUpstream = Static<typeof GrantedUpstream>;

/** As it goes into a grant. */
export function toGranted(upstream: Upstream): GrantedUpstream {
  return upstream.username === undefined && upstream.tls === undefined ? upstream : { guarded: upstream };
}

/** As it comes out of one. */
export function fromGranted(granted: GrantedUpstream): Upstream {
  return "guarded" in granted ? granted.guarded : granted;
}

/** What a redeemed ticket says. It travels over the node link only. */
export const Grant = Type.Object({
  sessionId: Type.String(),
  /** Rises by one with every attachment of the session to a node; reports must carry it. */
  attachment: Type.Integer({ minimum: 1 }),
  machine: Type.Object({ id: Type.String(), name: Type.String() }),
  protocol: Type.Enum([...PROTOCOLS]),
  upstream: GrantedUpstream,
  rights: Type.Object({
    input: Type.Boolean(),
    clipboardIn: Type.Boolean(),
    resize: Type.Boolean(),
    power: Type.Boolean(),
  }),
  /** Single use: lets this viewer ask for the same console again, where rights are judged anew. */
  reopen: Type.String(),
  /** Added by the node, for its own trace: W3C Trace Context of the ticket's issue. */
  traceparent: Type.Optional(Type.String()),
});
export type Grant = Static<typeof Grant>;
