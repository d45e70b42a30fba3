import { type IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { Log } from "#base/process/log.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import type { Grant } from "#wire/grant.ts";
import { SUBPROTOCOL } from "#wire/viewer.ts";
import { checkWebSocketHandshake } from "#wire/websocket-handshake.ts";
import type { Peer } from "../forward/peers.ts";
import { answerError } from "../http/answer.ts";
import { checkHeaderCount } from "../http/request-options.ts";
import { isForwarded, isSecuredAhead, viewerAddress, viewerOf } from "../http/viewer-address.ts";
import { ignoreError } from "../ignore-error.ts";
import type { NodeMeters } from "../observe/observing.ts";
import { channelKey } from "../spice/channels.ts";
import { Tally } from "../tally.ts";
import { isSecure } from "../tls/require-tls.ts";
import type { Credentials } from "./admission.ts";
import { endingOf } from "./ending.ts";
import type { Admitted, Sessions } from "./sessions.ts";
import {
  chooseDialect,
  type Dialect,
  novaConsole,
  type Offers,
  readCredentials,
  readOffers,
} from "./upgrade-request.ts";
import { ViewerLeg } from "./viewer-leg.ts";

const limits = {
  /** One WebSocket message: the largest clipboard text that is taken (1 MiB), and what stands around it. */
  messageBytes: 1024 * 1024 + 1024,
  /** Frames that one message may be cut into. */
  fragments: 1024,
  /** Reads that one unfinished message may be spread over: one arriving byte by byte is an attack. */
  bufferedChunks: 16 * 1024,
  /** Viewers that wait for control's word, and those that are being told that they were refused. */
  pending: 1024,
} as const;

/** What scanners and mistyped addresses cause all day; not worth an operator's eye. */
const NOISE: ReadonlySet<ErrorCode> = new Set([
  "ticket_missing",
  "ticket_invalid",
  "request_invalid",
  "tls_required",
]);

export interface DoorOptions {
  readonly log: Log;
  readonly maxSessions: number;
  readonly closingMs: number;
  readonly sessions: Pick<
    Sessions,
    "connections" | "open" | "missed" | "turnAway" | "hasRoomForChannel" | "join"
  >;
  /** Why nobody is let in any more who could open the console elsewhere. */
  readonly leaving?: (() => GatewayError | undefined) | undefined;
  readonly headers: () => OutgoingHttpHeaders;
  /** The other node that a ticket is meant for; `undefined` where it is to be judged here. */
  readonly addressee: (ticket: string | undefined, socket: Socket) => Promise<Peer | undefined>;
  /** Hands it on. Throws a GatewayError where it cannot be, and nobody has answered yet. */
  readonly forward: (knock: Knock, peer: Peer) => Promise<void>;
  /** Whether connections have to be TLS now. */
  readonly requiresTls: () => boolean;
  /** Throws `origin_refused`. */
  readonly checkOrigin: (origin: string | undefined, ports: "any" | "itself") => void;
  readonly admit: (credentials: Credentials) => Promise<Grant>;
  readonly meters?: NodeMeters | undefined;
}

/** A request for a WebSocket, which nobody has answered. */
export interface Knock {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
}

/**
 * Where WebSockets come in. Whoever is refused is told so in the way that it can see: as an HTTP status before the
 * upgrade, or, for `porthole.v1`, whose page sees no status, as an ending on a WebSocket that carries nothing else.
 */
export class Door {
  readonly #options: DoorOptions;
  readonly #webSockets: WebSocketServer;
  readonly #pending = new Set<Promise<void>>();
  /** Told why, and until the closing deadline to let go. In the order in which they came. */
  readonly #refused = new Set<WebSocket>();
  /** Those of the pending ones that are to be sessions of this node. */
  readonly #admitting = new Tally();
  #isClosed = false;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#webSockets = new WebSocketServer(webSocketOptions(options.closingMs));
  }

  /** Viewers whose tickets are being redeemed: what comes of them are sessions. */
  get admitting(): Pick<Tally, "size" | "untilEmpty"> {
    return this.#admitting;
  }

  handle(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on("error", ignoreError); // Whoever comes to own it hears of its end by `close`.
    const pending = this.#receive({ request, socket, head }).catch((error: unknown) => {
      this.#options.log.error({ error }, "A console could neither be opened nor refused");
      socket.destroy();
    });
    this.#pending.add(pending);
    void pending.finally(() => this.#pending.delete(pending));
  }

  /** Lets nobody in any more. Resolves when nobody stands on the threshold. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#pending);
  }

  async #receive(knock: Knock): Promise<void> {
    const offers = readOffers(knock.request.headers["sec-websocket-protocol"]);
    try {
      checkHeaderCount(knock.request);
      checkWebSocketHandshake(knock.request);
    } catch (error) {
      const refused = toGatewayError(error);
      this.#options.meters?.add("porthole_node_refusals_total", { reason: refused.code });
      this.#refuseByStatus(knock, refused);
      return;
    }
    try {
      const dialect = chooseDialect(offers);
      const credentials = this.#examine(knock, offers);
      const addressee = await this.#options.addressee(credentials.ticket, knock.socket);
      if (addressee === undefined) await this.#admit(knock, dialect, credentials);
      else await this.#options.forward(knock, addressee);
    } catch (error) {
      this.#refuse(knock, offers, toGatewayError(error));
    }
  }

  #examine({ request, socket }: Knock, offers: Offers): Credentials {
    if (this.#isClosed) throw new GatewayError("node_stopping");
    // How and from which page a viewer comes is for the node to judge that it was to talk to.
    if (!isForwarded(socket)) {
      if (this.#options.requiresTls() && !isSecure(socket) && !isSecuredAhead(request))
        throw new GatewayError("tls_required");
      this.#options.checkOrigin(request.headers.origin, "any");
    }
    const { isCookie, ...credentials } = readCredentials(request.url, offers, request.headers.cookie);
    // A browser sends a host's cookies along from the pages of all its ports, so a page there would need to know no ticket (RFC 6265 §8.5).
    if (isCookie === true && !isForwarded(socket))
      this.#options.checkOrigin(request.headers.origin, "itself");
    if (this.#pending.size >= limits.pending) throw new GatewayError("node_full");
    return { ...credentials, novaConsole: novaConsole(request.url), viewer: viewerOf(request) };
  }

  async #admit(knock: Knock, dialect: Dialect, credentials: Credentials): Promise<void> {
    const { sessions, maxSessions, admit } = this.#options;
    if (sessions.connections + this.#admitting.size >= maxSessions) throw new GatewayError("node_full");
    const key = channelKey(credentials);
    if (key !== undefined && dialect !== SUBPROTOCOL && sessions.hasRoomForChannel(key)) {
      this.#upgrade(knock, dialect, (webSocket) =>
        sessions.join(key, { webSocket, socket: knock.socket, dialect }),
      );
      return;
    }
    // Others have no words for the way to another node: their ticket is not spent for nothing.
    const leaving = dialect === SUBPROTOCOL ? undefined : this.#options.leaving?.();
    if (leaving !== undefined) throw leaving;
    const done = this.#admitting.enter();
    try {
      this.#letIn(knock, dialect, { grant: await admit(credentials), channelKey: key });
    } finally {
      done();
    }
  }

  #letIn(
    knock: Knock,
    dialect: Dialect,
    { grant, channelKey }: Pick<Admitted, "grant" | "channelKey">,
  ): void {
    const { sessions } = this.#options;
    if (!knock.socket.readable || !knock.socket.writable) {
      sessions.missed(grant);
      return;
    }
    // Others, whose tickets are spent by now, would not find another way.
    const leaving = dialect === SUBPROTOCOL ? this.#options.leaving?.() : undefined;
    this.#upgrade(knock, dialect, (webSocket) => {
      const admitted = { webSocket, socket: knock.socket, dialect, grant, channelKey };
      if (leaving === undefined) sessions.open(admitted);
      else sessions.turnAway(admitted, leaving);
    });
  }

  #refuse(knock: Knock, offers: Offers, error: GatewayError): void {
    this.#tellOperator(knock, error);
    if (!offers.dialects.includes(SUBPROTOCOL)) {
      this.#refuseByStatus(knock, error);
      return;
    }
    this.#upgrade(knock, SUBPROTOCOL, (webSocket) => {
      webSocket.on("error", ignoreError);
      new ViewerLeg(webSocket, knock.socket, SUBPROTOCOL).end(endingOf(error, { wasOpen: false }));
      this.#holdRefused(webSocket);
    });
  }

  /** Who was refused makes room for who was not judged yet: a flood of bad tickets keeps nobody out. */
  #holdRefused(webSocket: WebSocket): void {
    this.#refused.add(webSocket);
    webSocket.once("close", () => this.#refused.delete(webSocket));
    for (const oldest of this.#refused) {
      if (this.#refused.size + this.#pending.size <= limits.pending) return;
      this.#refused.delete(oldest);
      oldest.terminate();
    }
  }

  #refuseByStatus({ request, socket }: Knock, error: GatewayError): void {
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    response.on("finish", () => socket.destroySoon());
    answerError(request, response, { error, headers: this.#options.headers() });
  }

  /** ws is told of the one sub-protocol that was chosen: the entries with credentials end here. */
  #upgrade({ request, socket, head }: Knock, dialect: Dialect, then: (webSocket: WebSocket) => void): void {
    if (dialect === "none") delete request.headers["sec-websocket-protocol"];
    else request.headers["sec-websocket-protocol"] = dialect;
    // What is said at once leaves together with the answer to the upgrade.
    socket.cork();
    process.nextTick(() => socket.uncork());
    this.#webSockets.handleUpgrade(request, socket, head, then);
  }

  #tellOperator({ request }: Knock, error: GatewayError): void {
    const { log, meters } = this.#options;
    meters?.add("porthole_node_refusals_total", { reason: error.code });
    const fields = {
      sessionId: error.reference,
      code: error.code,
      detail: error.detail,
      viewerAddress: viewerAddress(request),
    };
    if (error.code === "internal") log.error({ ...fields, error }, "Console could not be opened");
    else if (NOISE.has(error.code)) log.debug(fields, "Console refused");
    else log.info(fields, "Console refused");
  }
}

function webSocketOptions(closingMs: number) {
  return {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    autoPong: false, // A viewer that pings and does not read would fill our memory with answers.
    maxPayload: limits.messageBytes,
    maxFragments: limits.fragments,
    maxBufferedChunks: limits.bufferedChunks,
    closeTimeout: closingMs, // Not in the types yet, so this cannot stand where it is used.
  };
}
