import { type Static, Type } from "typebox";
import { Check } from "typebox/schema";
import { Id, Time } from "./api.ts";
import { FINDING_RESULTS, FINDINGS, isFinding } from "./findings.ts";
import { parseNodeMessage, SUBPROTOCOL } from "./viewer.ts";

/** What the self-check looks at, and from where: control, a node, or the client, which is a browser or the command line. */
export const CHECKS = {
  "control.database": "control and its database",
  "control.clock": "control's clock and the database's",
  "control.domain": "delegation of the domain",
  "control.name": "a node's name, as control's resolver has it",
  "control.link": "a node's link to control",
  "control.pool": "the nodes of a pool",
  "control.certificate": "the certificate that a node has said it serves",
  "node.check": "whether the node can be asked",
  "node.clock": "the node's clock and control's",
  "node.name": "the node's own name, as its resolver has it",
  "node.tls": "the certificate at the node's public address, seen from the node",
  "node.page": "the console's page at the node's public address, seen from the node",
  "node.websocket": "the WebSocket at the node's public address, seen from the node",
  "node.hypervisor": "a machine's screen, seen from the node",
  "client.clock": "this machine's clock and a server's",
  "client.name": "a node's name, as the resolver here has it",
  "client.tls": "the certificate, seen from here",
  "client.page": "the console's page, seen from here",
  "client.websocket": "the WebSocket, seen from here",
  "client.forwarding": "what proxies on the way say of requests from here",
  "client.local-network": "the browser's permission to reach private addresses",
} as const satisfies Readonly<Record<string, string>>;
export type CheckName = keyof typeof CHECKS;
export const CHECK_NAMES = Object.keys(CHECKS) as readonly CheckName[];

export const selfCheckLimits = {
  /** Nodes that are looked at in one run, from each side. */
  nodes: 20,
  /** Screens of machines that one node tries. */
  hypervisors: 20,
  /** Lines that one side tells. */
  lines: 500,
  factCharacters: 500,
  facts: 16,
  /** A clock that is off by more is told of. */
  skewMs: 30_000,
} as const;

/** What was seen, by what it is: addresses, names, times. */
export const Facts = Type.Record(
  Type.String({ maxLength: 40 }),
  Type.String({ maxLength: selfCheckLimits.factCharacters }),
  { maxProperties: selfCheckLimits.facts },
);
export type Facts = Readonly<Record<string, string>>;

/** One thing that was looked at. */
export interface Seen<Name extends string = string> {
  readonly check: Name;
  /** What of: an origin, a name, an address. */
  readonly subject?: string;
  readonly nodeId?: string;
  /** Of the catalogue; a newer node may know more. */
  readonly finding: string;
  readonly facts?: Facts;
}

export const CheckLine = Type.Object({
  check: Type.String({ description: "What was looked at, and from where." }),
  subject: Type.Optional(Type.String({ description: "What of: an origin, a name, an address." })),
  nodeId: Type.Optional(Id),
  result: Type.Enum([...FINDING_RESULTS]),
  finding: Type.String({ description: "A code of the catalogue of findings." }),
  message: Type.String(),
  remedy: Type.Optional(Type.String({ description: "What to do; absent where there is nothing to do." })),
  facts: Facts,
});
export type CheckLine = Static<typeof CheckLine>;

/** Where browsers find some of the nodes, for a client that goes and looks. */
const CheckedEntrance = Type.Object({
  nodeId: Id,
  pageOrigin: Type.String(),
  webSocketOrigin: Type.String(),
  publicPath: Type.Optional(
    Type.String({ description: "What a front proxy has put before its paths, such as /console." }),
  ),
  addresses: Type.Array(Type.String(), { description: "What control's resolver says of its name." }),
  token: Type.Optional(
    Type.String({ description: "With it the node tells how a request reached it, for some minutes." }),
  ),
});
export type CheckedEntrance = Static<typeof CheckedEntrance>;

export const SelfCheck = Type.Object({
  lines: Type.Array(CheckLine),
  entrances: Type.Array(CheckedEntrance),
  /** Control's clock. */
  now: Time,
  /** Control's own public origin, whose pages nodes answer. */
  origin: Type.String(),
  /** The addresses that it has. */
  addresses: Type.Array(Type.String()),
});
export type SelfCheck = Static<typeof SelfCheck>;

export const SelfCheckRequest = Type.Object(
  { node: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "This node alone." })) },
  { additionalProperties: false },
);
export type SelfCheckRequest = Static<typeof SelfCheckRequest>;

/** As it is told: with the catalogue's words. */
export function toLine({ check, subject, nodeId, finding, facts = {} }: Seen): CheckLine {
  const { result, meaning, remedy } = isFinding(finding) ? FINDINGS[finding] : UNKNOWN;
  return {
    check,
    ...(subject === undefined ? {} : { subject }),
    ...(nodeId === undefined ? {} : { nodeId }),
    result,
    finding,
    message: meaning,
    ...(remedy === "" ? {} : { remedy }),
    facts: { ...facts },
  };
}

/**
 * What was seen, as people are shown it. Of several nodes it is said which one a line is of, by what `--node` takes: nodes behind
 * one front proxy have the same address.
 */
export function shownFacts(lines: readonly CheckLine[]): (line: CheckLine) => readonly [string, string][] {
  const isSeveral = new Set(lines.map(({ nodeId }) => nodeId ?? "").filter(Boolean)).size > 1;
  return ({ check, nodeId, facts }) => {
    // To a client those that share an entrance are one.
    const isNamed = isSeveral && nodeId !== undefined && !check.startsWith("client.");
    return [...Object.entries(facts), ...(isNamed ? [["node", nodeId] as [string, string]] : [])];
  };
}

const UNKNOWN = {
  result: "warning",
  meaning: "A newer version found something that this one has no words for.",
  remedy: "Update control, and run this again.",
} as const;

/** On a node's page origin, beside a page: POST with the token as the body answers `SeenRequest`. */
export const SELF_CHECK_PATH = "self-check";

/** How a request reached the node. */
export const SeenRequest = Type.Object({
  /** Whose it takes it for, and why that may be a proxy's address. */
  address: Type.String(),
  doubt: Type.Optional(Type.Union([Type.Literal("no header"), Type.Literal("not trusted")])),
  /** Who the connection came from. */
  peer: Type.String(),
  isTls: Type.Boolean(),
  /** X-Forwarded-Proto, where a trusted proxy says https. */
  isSecuredAhead: Type.Boolean(),
});
export type SeenRequest = Static<typeof SeenRequest>;

const Refused = Type.Object({ error: Type.Object({ code: Type.String() }) });

/**
 * What a node answered to a token: how the request reached it, or what is to be said instead. `undefined` where it was no node.
 * Where several share an entrance another one answers than was asked.
 */
export function seenIn(body: unknown): SeenRequest | "skipped_not_asked" | "skipped_node_older" | undefined {
  if (Check(SeenRequest, body)) return body;
  if (!Check(Refused, body)) return undefined;
  const { code } = body.error;
  if (code === "forbidden") return "skipped_not_asked";
  return code === "not_found" ? "skipped_node_older" : undefined;
}

/** The entrances, with the tokens of those nodes that were asked. */
export function withTokens(
  { entrances }: Pick<SelfCheck, "entrances">,
  asked: Pick<SelfCheck, "entrances"> | undefined,
): CheckedEntrance[] {
  const tokens = new Map(asked?.entrances.map(({ nodeId, token }) => [nodeId, token]));
  return entrances.map((entrance) => {
    const token = tokens.get(entrance.nodeId);
    return token === undefined ? entrance : { ...entrance, token };
  });
}

/** A clock against control's, which was told at some moment between the two. */
export function controlClock(
  subject: string,
  { told, before, after }: { readonly told: string; readonly before: number; readonly after: number },
): Seen<CheckName> {
  const skew = Date.parse(told) - (before + after) / 2;
  // Where the answer took long, nobody knows when in it the clock was read.
  const isOff = Math.abs(skew) > selfCheckLimits.skewMs + (after - before) / 2;
  return {
    check: "client.clock",
    subject,
    finding: isOff ? "clock_off" : "ok",
    facts: { skew: `${Math.round(skew / 1000)} s` },
  };
}

/** What is to be said of how a request reached a node whose page is there. */
export function forwardingFinding(
  { doubt, isTls, isSecuredAhead }: SeenRequest,
  pageOrigin: string,
): "ok" | "forwarding_untrusted" | "forwarding_missing" | "forwarding_scheme" {
  if (doubt === "not trusted") return "forwarding_untrusted";
  if (doubt === "no header") return "forwarding_missing";
  return pageOrigin.startsWith("https:") && !isTls && !isSecuredAhead ? "forwarding_scheme" : "ok";
}

/** What is looked at of a node, as a viewer without a ticket has it. */
export function placesOf({
  pageOrigin,
  webSocketOrigin,
  publicPath = "",
}: Pick<CheckedEntrance, "pageOrigin" | "webSocketOrigin" | "publicPath">): {
  readonly page: URL;
  /** Where it tells how a request reached it. */
  readonly seen: URL;
  /** With the scheme of HTTP. Beside the page, or, at a port of its own, at the root. */
  readonly webSocket: URL;
} {
  const page = new URL(`${publicPath}/p/self-check/console.html`, pageOrigin);
  const isBeside = pageOrigin === webSocketOrigin;
  return {
    page,
    seen: new URL(SELF_CHECK_PATH, page),
    webSocket: isBeside ? new URL("websockify", page) : new URL("/websockify", webSocketOrigin),
  };
}

/** How a node is known by what it says. */
export const NODE_SPEECH = {
  pageMark: "take-fragment.js",
  protocol: SUBPROTOCOL,
  endingCode: (text: string): string | undefined => {
    const message = parseNodeMessage(text);
    return message?.type === "ending" ? message.ending.code : undefined;
  },
} as const;
