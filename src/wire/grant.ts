import { type Static, Type } from "typebox";
import { ASKED_PROTOCOLS, CONSOLE_PROTOCOLS, PROTOCOLS, type Protocol } from "./protocols.ts";

export { PROTOCOLS, type Protocol };

export const AskedProtocol = Type.Enum([...ASKED_PROTOCOLS], {
  description:
    "What the viewer speaks: the machine's own protocol, or webmks, for clients that bring VMware's own library: its bytes pass as they are, so it is not to be had to look at alone",
});
export type AskedProtocol = Static<typeof AskedProtocol>;

export const ConsoleProtocol = Type.Enum([...CONSOLE_PROTOCOLS], {
  description:
    "What the viewer speaks; spice, and webmks of a machine that is not on record, come of links that a Nova gave out",
});
export type ConsoleProtocol = Static<typeof ConsoleProtocol>;

const hostAndPort = { host: Type.String(), port: Type.Integer({ minimum: 1, maximum: 65_535 }) };

/** A console that is spoken to as soon as it is connected to. */
export const PlainAddress = Type.Union([
  Type.Object({ kind: Type.Literal("tcp"), ...hostAndPort }),
  Type.Object({ kind: Type.Literal("unix"), path: Type.String() }),
]);
export type PlainAddress = Static<typeof PlainAddress>;

/** What is said with the request that opens a console, by which a platform knows who asks. */
const Headers = Type.Record(Type.String(), Type.String({ pattern: "^[\\x20-\\x7e]*$" }));

const Refusal = Type.Object({
  words: Type.String({ minLength: 1, maxLength: 128 }),
  code: Type.Enum(["upstream_ticket_refused", "upstream_consoles_exhausted", "machine_not_running"]),
});

const Address = Type.Union([
  PlainAddress,
  /** TLS from the first byte on, and the console within. */
  Type.Object({ kind: Type.Literal("tls"), ...hostAndPort }),
  /** Bytes in a WebSocket's binary messages; `path` may have a query. */
  Type.Object({
    kind: Type.Literal("websocket"),
    ...hostAndPort,
    path: Type.String(),
    isSecure: Type.Boolean(),
    /** An older node says none of them, and is refused there. */
    headers: Type.Optional(Headers),
    /** `binary` if absent. */
    subprotocol: Type.Optional(Type.String({ pattern: "^[!-~]+$" })),
    /** The platform has just made what stands in the path, which opens the console once: then it is known what it means to be refused. */
    isTicket: Type.Optional(Type.Boolean()),
    /** What it means where the platform refuses with these words, in its status line or below it; the first that fits counts. */
    refusals: Type.Optional(Type.Array(Refusal, { maxItems: 8 })),
    /**
     * Of a serial line: Proxmox VE's termproxy is there, which takes this account and ticket (`USER:TICKET`) once. An older node does not say it, and
     * is hung up on.
     */
    termproxy: Type.Optional(Type.Object({ login: Type.String({ pattern: "^[!-~]+$" }) })),
  }),
  /** Bytes behind the answer to `CONNECT path HTTP/1.0`, as XAPI has its consoles; `path` may have a query. */
  Type.Object({
    kind: Type.Literal("http-connect"),
    ...hostAndPort,
    path: Type.String({ pattern: "^/[!-~]*$" }),
    isSecure: Type.Boolean(),
    headers: Type.Optional(Headers),
  }),
  /**
   * A machine's mks behind an ESXi host's authd, which takes the ticket once; `cfgFile` says which machine's. The upstream's `tls` is the pin of
   * authd's certificate. Both are said in lines.
   */
  Type.Object({
    kind: Type.Literal("authd"),
    ...hostAndPort,
    ticket: Type.String({ pattern: "^[!-~]+$" }),
    cfgFile: Type.String({ pattern: "^[^\\x00-\\x1f\\x7f]+$" }),
  }),
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
    /**
     * `sha256:` or `sha1:`, and the certificate's fingerprint in lower-case hexadecimal digits; or `ra2:`, and the beginning of that of
     * RA2's key. An older node demands TLS for that too, and finds that no certificate fits.
     */
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
  /** Of a serial line: telnet (RFC 854) is spoken there, and bare bytes if absent. */
  telnet: Type.Optional(Type.Literal(true)),
});
export type Upstream = Static<typeof Upstream>;

/** Of a server that has many consoles, which of them; of one that has one, nothing. */
export function consolePath({ address }: Pick<Upstream, "address">): string {
  return address.kind === "websocket" || address.kind === "http-connect" ? address.path : "";
}

/** Whether TLS is around all that is said to a console, so that it need not be agreed on within. */
export function isWithinTls({ address }: Pick<Upstream, "address">): boolean {
  if (address.kind === "websocket" || address.kind === "http-connect") return address.isSecure;
  return address.kind === "tls" || address.kind === "authd";
}

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
  const { address, password: _, ...more } = upstream;
  const isPlain = address.kind === "tcp" || address.kind === "unix";
  const isKnownToAll = isPlain && Object.values(more).every((demand) => demand === undefined);
  return isKnownToAll ? upstream : { guarded: upstream };
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
  protocol: ConsoleProtocol,
  upstream: GrantedUpstream,
  rights: Type.Object({
    input: Type.Boolean(),
    clipboardIn: Type.Boolean(),
    resize: Type.Boolean(),
    power: Type.Boolean(),
  }),
  /**
   * Whether the machine's hypervisor takes orders of this session's viewer, which the node asks control to give. Absent from an
   * older control, which knows no such question; an older node passes over it, and offers its viewers nothing.
   */
  takesOrders: Type.Optional(Type.Boolean()),
  /**
   * Single use: lets this viewer ask for the same console again, where rights are judged anew. Empty where another system gave the
   * console out, so that nobody here can.
   */
  reopen: Type.String(),
  /** The name of the account that opened it, for who is at the same serial line. Absent from an older control. */
  account: Type.Optional(Type.String()),
  /** A hypervisor has the machine, so control can say why its console has closed. Absent from an older control. */
  askWhy: Type.Optional(Type.Boolean()),
  /** Added by the node, for its own trace: W3C Trace Context of the ticket's issue. */
  traceparent: Type.Optional(Type.String()),
});
export type Grant = Static<typeof Grant>;
