import type { Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import { ERRORS } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { SerialViewerMessage } from "#wire/serial.ts";
import {
  type Ending,
  type NodeMessage,
  type PowerMessage,
  parseViewerMessage,
  SUBPROTOCOL,
  viewerLimits,
} from "#wire/viewer.ts";
import type { Deadlines } from "../deadlines.ts";
import { isSecure } from "../tls/require-tls.ts";
import { HEADER_ROOM, writeBinaryHeader } from "./frame-header.ts";
import { Standstill } from "./standstill.ts";
import type { Dialect } from "./upgrade-request.ts";

const limits = {
  /** Answers to pings are left out while this much waits for a viewer that asks but does not read. */
  pongBacklogBytes: 64 * 1024,
} as const;

/** ws merges these with its defaults for every frame; one object for all spares an allocation each. */
const BINARY = { binary: true } as const;

/** What a viewer leg tells whoever it belongs to. */
export interface ViewerEvents {
  /** Console bytes. They are a view on ws's memory that nobody writes to again. */
  fromViewer(bytes: Uint8Array): void;
  /** `porthole.v1` only: how many console bytes it has consumed since it attached. */
  acknowledged(total: number): void;
  /** `porthole.v1` only: something that is meant for the machine's hypervisor. */
  ordered(order: PowerMessage): void;
  /** `porthole.v1` only: something of a serial line that is no byte of it. */
  said(message: SerialViewerMessage): void;
  /** All that was sent has left the process. */
  drained(): void;
  /** It broke the rules of the WebSocket or of its dialect, and is to be closed. */
  violated(error: GatewayError): void;
  /** Once, and last: it is gone, for this reason, unless the reason was ours. */
  viewerGone(reason: GatewayError): void;
}

type Patience = Pick<Deadlines, "standstillMs" | "unansweredPings">;

/** One viewer on its WebSocket, in whichever dialect it speaks. */
export class ViewerLeg {
  readonly dialect: Dialect;
  readonly #webSocket: WebSocket;
  /** Under the WebSocket: it knows how much waits to leave, and tells when nothing does any more. */
  readonly #socket: Socket;
  readonly #standstill = new Standstill();
  #unansweredPings = 0;
  #isPaused = false;
  #isGathering = false;

  constructor(webSocket: WebSocket, socket: Socket, dialect: Dialect) {
    this.dialect = dialect;
    this.#webSocket = webSocket;
    this.#socket = socket;
  }

  /** `takesText`: in bare dialects text is console bytes too, as clients of Nova's serial proxy send it. */
  listen(events: ViewerEvents, { takesText = false } = {}): void {
    const isBytes = takesText && this.dialect !== SUBPROTOCOL;
    this.#webSocket.on("message", (data, isBinary) => this.#take(data, isBinary || isBytes, events));
    this.#webSocket.on("ping", (data) => {
      if (!this.#isBehind) this.#webSocket.pong(data);
    });
    this.#webSocket.on("pong", () => {
      this.#unansweredPings = 0;
    });
    this.#webSocket.on("error", (cause) => events.violated(violation(cause.message, cause)));
    this.#webSocket.on("close", (code) => events.viewerGone(goneBecause(code)));
    this.#socket.on("drain", () => events.drained());
  }

  /** Console bytes waiting to leave the process. */
  get backlog(): number {
    return this.#socket.writableLength;
  }

  send(bytes: Uint8Array): void {
    this.#gather();
    this.#webSocket.send(bytes, BINARY);
  }

  /**
   * Sends `length` bytes that stand in `memory` behind HEADER_ROOM, as one frame whose header is written there. True
   * when the memory is free: they have left the process, or, by TLS, they are encrypted, which is done at once where nothing
   * waits before them. Plain ones that wait are read from the memory itself.
   */
  sendInPlace(memory: Buffer, length: number): boolean {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return true;
    const start = writeBinaryHeader(memory, length);
    const isEncrypted = isSecure(this.#socket) && this.#socket.writableLength === 0 && !this.#isGathering;
    this.#socket.write(memory.subarray(start, HEADER_ROOM + length));
    return isEncrypted || this.#socket.writableLength === 0;
  }

  /** Said in `porthole.v1`; other dialects have no words for it. */
  tell(message: NodeMessage): void {
    if (this.dialect !== SUBPROTOCOL) return;
    this.#gather();
    this.#webSocket.send(JSON.stringify(message));
  }

  pause(): void {
    this.#isPaused = true;
    this.#webSocket.pause();
  }

  /** What it answered while nobody listened may still be on its way. */
  resume(): void {
    this.#isPaused = false;
    this.#unansweredPings = 0;
    this.#webSocket.resume();
  }

  /**
   * Asks whether the viewer is still there; false when it is not. A viewer that is not listened to cannot answer, and
   * one with much before it would hear the question late: of that one it is asked that it takes something.
   */
  ping(now: number, { standstillMs, unansweredPings }: Patience): boolean {
    const standstill = this.#standstill.look(this.#socket, now);
    if (this.#isPaused) return true;
    if (this.#isBehind) return standstill < standstillMs;
    if (this.#unansweredPings >= unansweredPings) return false;
    this.#unansweredPings += 1;
    this.#webSocket.ping();
    return true;
  }

  /** Says why it is over and closes. ws cuts the connection itself when the viewer does not close in time. */
  end(ending: Ending, reopen?: string): void {
    this.tell({ type: "ending", ending, ...(reopen === undefined ? {} : { reopen }) });
    this.resume(); // The viewer's own close frame stands behind whatever it has said.
    this.#webSocket.close(ERRORS[ending.code].close, ending.code);
  }

  /** Without a word: for a viewer that is not there to hear it. */
  cut(): void {
    this.#webSocket.terminate();
  }

  /** What is said in one turn, while a console opens or ends, leaves in one write. */
  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#isGathering = false;
      this.#socket.uncork();
    });
  }

  get #isBehind(): boolean {
    return this.backlog > limits.pongBacklogBytes;
  }

  #take(data: RawData, isBinary: boolean, events: ViewerEvents): void {
    this.#unansweredPings = 0;
    if (isBinary) events.fromViewer(data as Buffer);
    else if (this.dialect === SUBPROTOCOL) this.#takeText(data as Buffer, events);
    else events.violated(violation("a text frame, which only porthole.v1 has"));
  }

  /** What this version does not know is ignored, so that a newer viewer can talk to an older node. */
  #takeText(data: Buffer, events: ViewerEvents): void {
    if (data.length > viewerLimits.textCharacters * 4) return;
    const message = parseViewerMessage(data.toString("utf8"));
    if (message === undefined) return;
    switch (message.type) {
      case "ack":
        events.acknowledged(message.bytes);
        return;
      case "power":
        events.ordered(message);
        return;
      case "ping":
        if (!this.#isBehind) this.tell({ type: "pong", id: message.id });
        return;
      default:
        events.said(message);
    }
  }
}

/** RFC 6455 §7.4.1. 1006 stands for no close frame at all: the connection broke. */
function goneBecause(code: number): GatewayError {
  return new GatewayError(code === 1006 ? "viewer_lost" : "viewer_closed");
}

function violation(detail: string, cause?: unknown): GatewayError {
  return new GatewayError("viewer_protocol_error", { detail, cause });
}
