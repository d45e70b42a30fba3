import { type Static, Type } from "typebox";
import { Check } from "typebox/schema";
import { ERROR_CODES, type ErrorCode } from "./errors.ts";
import { POWER_ACTIONS } from "./power-action.ts";
import { CONSOLE_PROTOCOLS, type ConsoleProtocol } from "./protocols.ts";
import {
  SERIAL_NODE_MESSAGES,
  SERIAL_VIEWER_MESSAGES,
  SerialAttached,
  type SerialNodeMessage,
} from "./serial.ts";

/**
 * `porthole.v1`: what a viewer and a node say to each other on one WebSocket (docs/protocol/porthole-v1.md).
 * Binary frames are the console's own bytes. Text frames are the JSON messages below.
 */
export const SUBPROTOCOL = "porthole.v1";

/** Plain console bytes in binary frames, as noVNC and websockify call it. */
export const BINARY_SUBPROTOCOL = "binary";

/** Sub-protocol entries that carry credentials, so that they stand in no URL: prefix, then the value in base64url. */
export const TICKET_ENTRY_PREFIX = "porthole.ticket.";
export const EXTRA_ENTRY_PREFIX = "porthole.extra.";

/** Beside the viewer's page: POST `{"credential"}` there answers `{"url"}`, a page with a new ticket. */
export const REOPEN_PATH = "reopen";

/** On a node's page origin: GET with `token`, `w` and `h` answers a small picture of the machine's screen, as PNG. */
export const THUMBNAIL_PATH = "ajaximg";

export const viewerLimits = {
  /** Console bytes that may be on the way to a viewer, sent and not acknowledged. */
  unacknowledgedBytes: 4 * 1024 * 1024,
  /** A viewer acknowledges at the latest when it has consumed this much more. */
  acknowledgeEveryBytes: 256 * 1024,
  /** The longest text frame that either side takes. */
  textCharacters: 16 * 1024,
} as const;

/** The page that shows a console, by its protocol, below the project's part of a node's page origin. */
export const VIEWER_PAGES: Readonly<Record<ConsoleProtocol, string>> = {
  rfb: "console.html",
  webmks: "console.html",
  serial: "serial.html",
  // Links to SPICE are not made here; whoever comes to the page with one is told.
  spice: "console.html",
};

/** How far the node has come; each is one sentence on the viewer's page. */
const STAGES = ["waiting", "dialling", "signing-in", "attaching"] as const;
export type Stage = (typeof STAGES)[number];

export const ENDING_KINDS = ["closed", "refused", "failed"] as const;
export type EndingKind = (typeof ENDING_KINDS)[number];

/** Why a session is over. `reference` is the session's id, or the request's where there is no session. */
export const Ending = Type.Object({
  kind: Type.Enum([...ENDING_KINDS]),
  code: Type.Enum([...ERROR_CODES]),
  detail: Type.Optional(Type.String()),
  reference: Type.Optional(Type.String()),
});
export interface Ending {
  readonly kind: EndingKind;
  readonly code: ErrorCode;
  readonly detail?: string;
  readonly reference?: string;
}

const NodeMessage = Type.Union([
  Type.Object({
    type: Type.Literal("progress"),
    stage: Type.Enum([...STAGES]),
    /** Whose ticket was redeemed may know it, also where the console never attaches. Absent from an older node. */
    machine: Type.Optional(Type.Object({ id: Type.String(), name: Type.String() })),
  }),
  Type.Object({
    type: Type.Literal("attached"),
    sessionId: Type.String(),
    machine: Type.Object({ id: Type.String(), name: Type.String() }),
    rights: Type.Object({
      input: Type.Boolean(),
      clipboardIn: Type.Boolean(),
      resize: Type.Boolean(),
      power: Type.Boolean(),
    }),
    reopen: Type.String(),
    /** Page origins of the other nodes through which the console may be opened again. */
    entrances: Type.Array(Type.String()),
    /** Whether `power` may be said. Absent from an older node. */
    takesOrders: Type.Optional(Type.Boolean()),
    /** What the binary frames are. Absent from an older node, which has `rfb` alone. */
    protocol: Type.Optional(Type.Enum([...CONSOLE_PROTOCOLS])),
    /** Of a serial console. */
    serial: Type.Optional(SerialAttached),
  }),
  /** With `reopen` where the ticket was redeemed but the session never attached, so that it can be tried again. */
  Type.Object({ type: Type.Literal("ending"), ending: Ending, reopen: Type.Optional(Type.String()) }),
  Type.Object({ type: Type.Literal("pong"), id: Type.Integer() }),
  /** The machine has closed the console. It is being asked why, and the ending follows within seconds. */
  Type.Object({ type: Type.Literal("closing"), code: Type.Enum([...ERROR_CODES]) }),
  /** The answer to a `power`: its hypervisor has taken it, or `error` says why not. */
  Type.Object({
    type: Type.Literal("powered"),
    id: Type.Integer(),
    error: Type.Optional(
      Type.Object({ code: Type.Enum([...ERROR_CODES]), detail: Type.Optional(Type.String()) }),
    ),
  }),
  /**
   * What is going to happen to the node: `code` is what the session would end with, in so many milliseconds where that is
   * known. Without `code`: nothing any more.
   */
  Type.Object({
    type: Type.Literal("notice"),
    code: Type.Optional(Type.Enum([...ERROR_CODES])),
    inMs: Type.Optional(Type.Integer({ minimum: 0 })),
  }),
  ...SERIAL_NODE_MESSAGES,
]);

export interface Notice {
  readonly type: "notice";
  readonly code?: ErrorCode;
  readonly inMs?: number;
}

/** What became of an order. */
export interface Powered {
  readonly type: "powered";
  readonly id: number;
  readonly error?: { readonly code: ErrorCode; readonly detail?: string };
}

/** From the node to the viewer. */
export type NodeMessage =
  | {
      readonly type: "progress";
      readonly stage: Stage;
      readonly machine?: { readonly id: string; readonly name: string };
    }
  | (Static<typeof NodeMessage> & { readonly type: "attached" })
  | { readonly type: "ending"; readonly ending: Ending; readonly reopen?: string }
  | { readonly type: "pong"; readonly id: number }
  | { readonly type: "closing"; readonly code: ErrorCode }
  | Powered
  | Notice
  | SerialNodeMessage;

const ViewerMessage = Type.Union([
  /** Console bytes consumed since the session attached, as a running total. */
  Type.Object({ type: Type.Literal("ack"), bytes: Type.Integer({ minimum: 0 }) }),
  Type.Object({ type: Type.Literal("ping"), id: Type.Integer() }),
  /** Has the machine's hypervisor start or stop it, where `attached` said that it takes orders. */
  Type.Object({ type: Type.Literal("power"), id: Type.Integer(), action: Type.Enum([...POWER_ACTIONS]) }),
  ...SERIAL_VIEWER_MESSAGES,
]);

/** From the viewer to the node. */
export type ViewerMessage = Static<typeof ViewerMessage>;
export type PowerMessage = ViewerMessage & { readonly type: "power" };

/** Reads a text frame of the node; `undefined` for what this version does not know, which is to be ignored. */
export function parseNodeMessage(text: string): NodeMessage | undefined {
  const value = parse(text);
  return Check(NodeMessage, value) ? (value as NodeMessage) : undefined;
}

export function parseViewerMessage(text: string): ViewerMessage | undefined {
  const value = parse(text);
  return Check(ViewerMessage, value) ? value : undefined;
}

function parse(text: string): unknown {
  if (text.length > viewerLimits.textCharacters) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
