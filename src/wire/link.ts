import { type Static, Type } from "typebox";
import { Grant } from "./grant.ts";
import { PUBLIC_PATH } from "./public-path.ts";
import { UpstreamStep } from "./upstream-step.ts";
import { Ending } from "./viewer.ts";

/**
 * The node link, over HTTPS with mutual TLS on control's link port. `join` is a POST of JSON, and alone comes without
 * a client certificate. Everything else that a node asks goes over one WebSocket, `channel`, that the node keeps, and so do
 * control's commands to it. What control refuses before there is a channel is `{"error": PublicError}` with the
 * catalogue's status.
 */
export const LINK_PATHS = { join: "/link/v1/join", channel: "/link/v1/channel" } as const;

/** The channel's sub-protocol. */
export const LINK_PROTOCOL = "porthole-link.v1";

export const linkLimits = {
  /** Reports in one question; a node sends the rest in the next. */
  reportsPerRequest: 500,
  /** Of a frame, either way. A question with all its reports takes about half of it. */
  frameBytes: 1024 * 1024,
  /** Other nodes that a node is told of: about 100 bytes each in every answer to a heartbeat. */
  peers: 1000,
  /** Questions, or answers, in one frame. */
  envelopesPerFrame: 1024,
  /** Ticket keys that a node holds. Control has three at most; this is for a later one that has more. */
  ticketKeys: 8,
  /** Ports of one control: its API, its link, its name servers and what it is watched by. */
  controlPorts: 32,
  /** Grants in one command; with certificates one takes up to 50 kB, so control takes no more of them than a frame bears. */
  grantsPerCommand: 100,
} as const;

/** What a node can ask over the channel; the types below that are named after them are their bodies. */
export const LINK_CALLS = [
  "register",
  "heartbeat",
  "redeem",
  "redeem-nova",
  "reopen",
  "report",
  "refused",
  "why",
  "power",
  "renew",
  "renewed",
  "checked",
  "deregister",
] as const;
export type LinkCall = (typeof LINK_CALLS)[number];

/** What control can ask a node: its commands. A node that answers has done it, or has said why not. */
export const LINK_COMMANDS = [
  "drain",
  "end-sessions",
  "keys",
  "grants",
  "certificate",
  "check",
  "output",
  "leave",
] as const;
export type LinkCommand = (typeof LINK_COMMANDS)[number];

const Question = Type.Object({
  id: Type.Integer({ minimum: 0 }),
  call: Type.String({ maxLength: 64 }),
  body: Type.Unknown(),
});
export type Question = Static<typeof Question>;

/** `error` is a PublicError of the catalogue; without it, `body` is what the call answers. */
const Answer = Type.Object(
  {
    id: Type.Integer({ minimum: 0 }),
    body: Type.Optional(Type.Unknown()),
    error: Type.Optional(Type.Object({ code: Type.String(), detail: Type.Optional(Type.String()) })),
  },
  { additionalProperties: false },
);
export type Answer = Static<typeof Answer>;

/**
 * Every frame of the channel, either way, is a text with a JSON list of questions and answers, in any order. An answer
 * has the number that the other side gave its question; only a question has a `call`. Lists, because what comes up at
 * the same time, such as a burst of consoles, travels together.
 */
export const Envelopes = Type.Array(Type.Union([Question, Answer]), {
  maxItems: linkLimits.envelopesPerFrame,
});
export type Envelope = Question | Answer;

export function isQuestion(envelope: Envelope): envelope is Question {
  return "call" in envelope;
}

/** How control closes a channel (RFC 6455 §7.4). Where it refuses, the reason is the catalogue's code. */
export const LINK_CLOSE = { refused: 4403, stopping: 1001, broken: 1007 } as const;

/** Names one start of a node; the certificate says which node it is. */
export const Incarnation = Type.String({ minLength: 16, maxLength: 64, pattern: "^[A-Za-z0-9_-]+$" });

/** `key` is 32 bytes in base64url. Of several the one with the highest generation is the newest. */
const NodeTicketKey = Type.Object({
  generation: Type.Integer({ minimum: 1 }),
  kid: Type.String(),
  key: Type.String(),
});
export type NodeTicketKey = Static<typeof NodeTicketKey>;

/** All the keys that the node is to hold from now on, and no others. */
const NodeTicketKeys = Type.Array(NodeTicketKey, { minItems: 1, maxItems: linkLimits.ticketKeys });

/**
 * The newest generation of ticket keys that the node holds; 0: none yet. Control seals the node's tickets with nothing
 * newer. Absent from an older node, which holds what its registration was answered with.
 */
const TicketGeneration = Type.Optional(Type.Integer({ minimum: 0 }));

/** PKCS#10 in PEM; only its public key is taken, the subject is control's to give. */
const CertificateRequest = Type.String({ maxLength: 8192 });

/** With one of the two: a join token, or the token of a service account that is bound to the node's pod, in Kubernetes. */
export const JoinRequest = Type.Object({
  joinToken: Type.Optional(Type.String({ maxLength: 512 })),
  serviceAccountToken: Type.Optional(Type.String({ maxLength: 16_384 })),
  certificateRequest: CertificateRequest,
});
export type JoinRequest = Static<typeof JoinRequest>;

export const JoinResponse = Type.Object({
  nodeId: Type.String(),
  /** PEM, signed by the installation's CA. */
  certificate: Type.String(),
  authority: Type.String(),
});
export type JoinResponse = Static<typeof JoinResponse>;

/**
 * A certificate for a new key, in place of the one that the node asks with. Both are good until the node registers with the
 * new one, or asks `renewed` with it, when it needs the old one no more. A question that is asked twice gets two, of which
 * the second is good.
 */
export const RenewRequest = Type.Object({ incarnation: Incarnation, certificateRequest: CertificateRequest });
export type RenewRequest = Static<typeof RenewRequest>;

/** PEM, signed by the installation's CA. */
export const RenewResponse = Type.Object({ certificate: Type.String() });
export type RenewResponse = Static<typeof RenewResponse>;

export const RenewedRequest = Type.Object({ incarnation: Incarnation });
export type RenewedRequest = Static<typeof RenewedRequest>;

/** Where browsers find a node. */
const Origins = Type.Object({
  pageOrigin: Type.String({ maxLength: 256 }),
  webSocketOrigin: Type.String({ maxLength: 256 }),
});

const Port = Type.Integer({ minimum: 1, maximum: 65_535 });

/** What the whole installation sets and a node obeys. Comes with every answer to register and heartbeat. */
export const NodeSettings = Type.Object({
  /** consoleproxy.loadscan.interval, milliseconds. */
  heartbeatIntervalMs: Type.Integer({ minimum: 100 }),
  /** upstream.allow */
  upstreamAllow: Type.String(),
  /** console.allowed.origins, and control's own origins. */
  allowedOrigins: Type.Array(Type.String()),
  /** Who may frame the viewer: console.allowed.origins. */
  frameAncestors: Type.Array(Type.String()),
  /** Under which origins browsers find this node, where the installation gives it another name than it knows. */
  found: Type.Optional(Origins),
  /** Where it is by the address that it was given, where it has none of its own. */
  given: Type.Optional(Origins),
  /**
   * The same two while the node serves TLS, which changes at another moment than these come. `found` is there wherever
   * control knows of the node's TLS.
   */
  secure: Type.Optional(Type.Object({ found: Origins, given: Type.Optional(Origins) })),
  /** Where the pages of the other nodes of its pool are that are up: origins, and paths behind them where they have one. */
  entrances: Type.Array(Type.String()),
  /** console.offline.policy: whether tickets are accepted while no control answers. Absent: they are refused. */
  acceptOffline: Type.Optional(Type.Boolean()),
  /** consoleproxy.session.timeout, milliseconds; 0: never. Absent from an older control, as is the next. */
  sessionTimeoutMs: Type.Optional(Type.Integer({ minimum: 0 })),
  /** console.idle.timeout, milliseconds; 0: never. */
  idleTimeoutMs: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Where control itself listens, which no console is. Absent from an older control. */
  controlPorts: Type.Optional(Type.Array(Port, { maxItems: linkLimits.controlPorts })),
  /** With which ACME's http-01 is answered (RFC 8555 §8.3); it is public. Absent: it is not. */
  acmeThumbprint: Type.Optional(Type.String({ maxLength: 128 })),
  /** Whether control stands in front of a Nova, and is to be asked about tokens of that one. Absent: it does not. */
  novaTokens: Type.Optional(Type.Boolean()),
  /** Those of them that a connection can be handed on to, and where. Absent from an older control. */
  peers: Type.Optional(
    Type.Array(Type.Object({ nodeId: Type.String(), address: Type.String() }), {
      maxItems: linkLimits.peers,
    }),
  ),
});
export type NodeSettings = Static<typeof NodeSettings>;

/** A node has no public address, and listens on every one of its machine: control is to give it one out of its pool's. */
const WantedAddress = Type.Object({
  scheme: Type.Union([Type.Literal("http"), Type.Literal("https")]),
  /** Where its pages are found, and its WebSocket. */
  pagePort: Port,
  webSocketPort: Port,
  /** The same while it serves TLS. Absent from an older node, which serves none. */
  tls: Type.Optional(Type.Object({ pagePort: Port, webSocketPort: Port })),
  /** Which addresses it can be found at. */
  families: Type.Array(Type.Union([Type.Literal("ipv4"), Type.Literal("ipv6")]), {
    minItems: 1,
    maxItems: 2,
  }),
});
export type WantedAddress = Static<typeof WantedAddress>;

export const RegisterRequest = Type.Object({
  incarnation: Incarnation,
  version: Type.String({ maxLength: 64 }),
  /** Instead of the two origins, which are empty then: so an older control refuses, and gives out no links to nowhere. */
  wantedAddress: Type.Optional(WantedAddress),
  /** Where browsers find the node's pages, and its WebSocket. */
  pageOrigin: Type.String({ maxLength: 256 }),
  webSocketOrigin: Type.String({ maxLength: 256 }),
  /** Where while it serves TLS. Absent from an older node, which serves none, and beside `wantedAddress`. */
  secure: Type.Optional(Origins),
  /** What a front proxy has put before its paths there; absent: nothing. */
  publicPath: Type.Optional(Type.String({ pattern: PUBLIC_PATH })),
  /** Whether other nodes may have the same origins: there is something before them that spreads viewers over them. */
  sharesAddress: Type.Optional(Type.Boolean()),
  /** HOST:PORT where other nodes of its pool hand on what is meant for this one; absent: nowhere. */
  forwardAddress: Type.Optional(Type.String({ maxLength: 300 })),
  /** How many sessions it takes at once; absent: as many as come. */
  maximumSessions: Type.Optional(Type.Integer({ minimum: 1 })),
  ticketGeneration: TicketGeneration,
});
export type RegisterRequest = Static<typeof RegisterRequest>;

export const RegisterResponse = Type.Object({
  nodeId: Type.String(),
  /** For older nodes: the newest of `ticketKeys`. */
  ticketKey: Type.Object({ kid: Type.String(), key: Type.String() }),
  /** Absent from an older control, whose one key is that of the first generation. */
  ticketKeys: Type.Optional(NodeTicketKeys),
  /** Control's clock, milliseconds since 1970. */
  now: Type.Integer(),
  settings: NodeSettings,
});
export type RegisterResponse = Static<typeof RegisterResponse>;

export const HeartbeatRequest = Type.Object({
  incarnation: Incarnation,
  /** Sessions that the node carries now. */
  sessions: Type.Integer({ minimum: 0 }),
  ticketGeneration: TicketGeneration,
  /** It was told to stop where it runs: it takes no new sessions, and ends those that are left at the deadline. */
  leaving: Type.Optional(Type.Object({ deadline: Type.Integer() })),
});
export type HeartbeatRequest = Static<typeof HeartbeatRequest>;

export const HeartbeatResponse = Type.Object({
  now: Type.Integer(),
  settings: NodeSettings,
  ticketKeys: Type.Optional(NodeTicketKeys),
});
export type HeartbeatResponse = Static<typeof HeartbeatResponse>;

/** Answered by a Grant (wire/grant.ts), or by the error that the viewer is to be told. */
export const RedeemRequest = Type.Object({
  incarnation: Incarnation,
  sessionId: Type.String({ maxLength: 64 }),
  attachment: Type.Integer({ minimum: 1 }),
  viewerAddress: Type.String({ maxLength: 64 }),
  /** As the ticket has it: one for a picture is redeemed as that, or not at all. */
  purpose: Type.Optional(Type.Literal("thumbnail")),
  /** W3C Trace Context, where traces are collected. */
  traceparent: Type.Optional(Type.String({ maxLength: 64 })),
  /**
   * Made anew for each ticket that is shown. A question whose answer was lost is asked again with the same nonce, of
   * whatever replica, and gets the grant that the first one would have got.
   */
  nonce: Type.Optional(Type.String({ minLength: 16, maxLength: 64 })),
});
export type RedeemRequest = Static<typeof RedeemRequest>;

export const ReopenRequest = Type.Object({
  incarnation: Incarnation,
  credential: Type.String({ maxLength: 256 }),
  viewerAddress: Type.String({ maxLength: 64 }),
});
export type ReopenRequest = Static<typeof ReopenRequest>;

/** A new ticket for the same console. `url` is the page on the assigned node, with the ticket in its fragment. */
export const ReopenResponse = Type.Object({ url: Type.String() });
export type ReopenResponse = Static<typeof ReopenResponse>;

/** A ticket that the node accepted while no control answered. */
const OfflineRedemption = Type.Object({
  /** Milliseconds since 1970, by control's clock as the node knows it. */
  at: Type.Integer(),
  viewerAddress: Type.String({ maxLength: 64 }),
  /** Of the question that nobody answered; control may have heard it. */
  nonce: Type.String({ minLength: 16, maxLength: 64 }),
});
export type OfflineRedemption = Static<typeof OfflineRedemption>;

/** What became of a session. Control takes each at most once, in any order, and ignores lower attachments. */
export const SessionReport = Type.Object({
  sessionId: Type.String({ maxLength: 64 }),
  attachment: Type.Integer({ minimum: 1 }),
  /** Milliseconds since 1970, by control's clock as the node knows it. */
  at: Type.Integer(),
  state: Type.Union([Type.Literal("active"), Type.Literal("ended")]),
  /** Present when ended. */
  ending: Type.Optional(Ending),
  step: Type.Optional(UpstreamStep),
  /** Present in every report of a session that was opened while no control answered. */
  redeemed: Type.Optional(OfflineRedemption),
  /** Console bytes towards the viewer, and from it. */
  bytesToViewer: Type.Integer({ minimum: 0 }),
  bytesFromViewer: Type.Integer({ minimum: 0 }),
});
export type SessionReport = Static<typeof SessionReport>;

export const ReportRequest = Type.Object({
  incarnation: Incarnation,
  reports: Type.Array(SessionReport, { maxItems: linkLimits.reportsPerRequest }),
});
export type ReportRequest = Static<typeof ReportRequest>;

/** A session that control wants over. `code` is of the catalogue, `detail` fit for the public. */
const SessionToEnd = Type.Object({
  sessionId: Type.String({ maxLength: 64 }),
  attachment: Type.Integer({ minimum: 1 }),
  code: Type.String({ maxLength: 64 }),
  detail: Type.Optional(Type.String()),
});
export type SessionToEnd = Static<typeof SessionToEnd>;

/** Which of the sessions that a node reports as open control has as over: the node is to end them. */
export const ReportResponse = Type.Object({
  over: Type.Optional(Type.Array(SessionToEnd, { maxItems: linkLimits.reportsPerRequest })),
});
export type ReportResponse = Static<typeof ReportResponse>;

export const EndSessionsCommand = Type.Object({
  /** A start of the node that is another one has none of these. */
  incarnation: Incarnation,
  sessions: Type.Array(SessionToEnd, { maxItems: linkLimits.reportsPerRequest }),
});
export type EndSessionsCommand = Static<typeof EndSessionsCommand>;

/** Which of them the node neither carries nor has an ending of that is still to be reported. */
export const EndSessionsAnswer = Type.Object({
  unknown: Type.Array(Type.String({ maxLength: 64 }), { maxItems: linkLimits.reportsPerRequest }),
});
export type EndSessionsAnswer = Static<typeof EndSessionsAnswer>;

export const KeysCommand = Type.Object({ incarnation: Incarnation, ticketKeys: NodeTicketKeys });
export type KeysCommand = Static<typeof KeysCommand>;

/** The newest that the node holds now. */
export const KeysAnswer = Type.Object({ ticketGeneration: Type.Integer({ minimum: 0 }) });
export type KeysAnswer = Static<typeof KeysAnswer>;

/** Grants of tickets that are not redeemed yet, which the node may accept while no control answers, until they end. */
export const GrantsCommand = Type.Object({
  incarnation: Incarnation,
  grants: Type.Array(Type.Object({ grant: Grant, expiresAt: Type.Integer() }), {
    maxItems: linkLimits.grantsPerCommand,
  }),
});
export type GrantsCommand = Static<typeof GrantsCommand>;

/** The sessions whose grants the node has now. */
export const GrantsAnswer = Type.Object({
  kept: Type.Array(Type.String({ maxLength: 64 }), { maxItems: linkLimits.grantsPerCommand }),
});
export type GrantsAnswer = Static<typeof GrantsAnswer>;

export const DeregisterRequest = Type.Object({ incarnation: Incarnation });
export type DeregisterRequest = Static<typeof DeregisterRequest>;

export const Empty = Type.Object({});
export type Empty = Static<typeof Empty>;
