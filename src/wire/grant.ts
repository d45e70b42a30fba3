import { type Static, Type } from "typebox";

export const PROTOCOLS = ["rfb"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** Where and how a node reaches one console. Made by a driver at redemption, dialled by the node, seen by nobody else. */
export const Upstream = Type.Object({
  address: Type.Union([
    Type.Object({
      kind: Type.Literal("tcp"),
      host: Type.String(),
      port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    }),
    Type.Object({ kind: Type.Literal("unix"), path: Type.String() }),
  ]),
  /** The hypervisor's console password; absent where it asks for none. */
  password: Type.Optional(Type.String()),
});
export type Upstream = Static<typeof Upstream>;

/** What a redeemed ticket says. It travels over the node link only. */
export const Grant = Type.Object({
  sessionId: Type.String(),
  /** Rises by one with every attachment of the session to a node; reports must carry it. */
  attachment: Type.Integer({ minimum: 1 }),
  machine: Type.Object({ id: Type.String(), name: Type.String() }),
  protocol: Type.Enum([...PROTOCOLS]),
  upstream: Upstream,
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
