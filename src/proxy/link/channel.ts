import { connect, type SecureContext, type TLSSocket } from "node:tls";
import { Compile } from "typebox/compile";
import { type RawData, WebSocket } from "ws";
import { Batch } from "#base/process/batch.ts";
import { isErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { Answers, LINK_PATHS, LINK_PROTOCOL, type LinkCall, linkLimits, type Question } from "#wire/link.ts";
import { linkFrames } from "#wire/link-frames.ts";
import { DeadlineError } from "../deadline.ts";
import { ignoreError } from "../ignore-error.ts";
import { checkControl } from "./check-control.ts";
import { opened } from "./opened.ts";
import { abortion, refusal, unreachable } from "./refusal.ts";

const limits = {
  /** From the dial to the open channel. */
  openMs: 10_000,
} as const;

const answerList = Compile(Answers);

interface Asked {
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: GatewayError) => void;
}

/**
 * The node's end of the link's channel: one WebSocket that carries all its questions, each answered in its own time.
 * Once it is closed it stays so, and every question that waits is `control_unreachable`.
 */
export class Channel {
  readonly #socket: WebSocket;
  readonly #questions = new Batch<Question>((questions) => this.#send(questions));
  readonly #asked = new Map<number, Asked>();
  #nextId = 0;
  #frames = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data, isBinary) => this.#take(data, isBinary));
    socket.on("close", (_code, reason) => this.#fail(reason.toString("utf8")));
    socket.on("error", ignoreError); // It is closed next, and that is what tells.
  }

  /**
   * Throws a GatewayError: control's own where it refuses, else `control_unreachable`. When `lifetime` aborts, the
   * channel is cut, open or not.
   */
  static async open(control: string, secureContext: SecureContext, lifetime: AbortSignal): Promise<Channel> {
    const url = new URL(LINK_PATHS.channel, control.replace(/^https:/, "wss:"));
    const socket = new WebSocket(url, LINK_PROTOCOL, {
      createConnection: () => dial(url, secureContext),
      handshakeTimeout: limits.openMs,
      perMessageDeflate: false,
      maxPayload: linkLimits.frameBytes,
    });
    const cut = () => socket.terminate();
    lifetime.addEventListener("abort", cut, { once: true });
    socket.on("close", () => lifetime.removeEventListener("abort", cut));
    const channel = new Channel(socket);
    if (lifetime.aborted) cut();
    await opened(socket);
    return channel;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Resolves to the body of control's answer. Throws a GatewayError. What `signal` aborts with ends the wait. */
  async ask(call: LinkCall, body: unknown, signal: AbortSignal): Promise<unknown> {
    if (!this.isOpen) throw unreachable();
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const frames = this.#frames;
    const giveUp = () => {
      reject(abortion(signal));
      // Nothing came all the while: the other end is gone, and did not say so.
      if (signal.reason instanceof DeadlineError && frames === this.#frames) this.#socket.terminate();
    };
    this.#asked.set(id, { resolve, reject });
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
    else this.#questions.add({ id, call, body });
    try {
      return await promise;
    } finally {
      this.#asked.delete(id);
      signal.removeEventListener("abort", giveUp);
    }
  }

  #send(questions: readonly Question[]): void {
    for (const frame of linkFrames(questions)) this.#socket.send(frame, ignoreError);
  }

  #take(data: RawData, isBinary: boolean): void {
    this.#frames += 1;
    const answers = isBinary ? undefined : parse(data);
    if (answers === undefined) this.#socket.terminate();
    for (const { id, body, error } of answers ?? []) {
      const asked = this.#asked.get(id);
      // Whoever asked may have given up.
      if (error === undefined) asked?.resolve(body);
      else asked?.reject(refusal(error));
    }
  }

  #fail(reason: string): void {
    const error = isErrorCode(reason) ? new GatewayError(reason) : unreachable();
    for (const { reject } of this.#asked.values()) reject(error);
  }
}

function dial({ hostname, port }: URL, secureContext: SecureContext): TLSSocket {
  const host = hostname.replace(/^\[|\]$/g, "");
  return connect({ host, port: Number(port || 443), secureContext, checkServerIdentity: checkControl });
}

function parse(data: RawData) {
  try {
    // The text of one frame: ws gives lists of buffers only where it was asked for them.
    const answers: unknown = JSON.parse((data as Buffer).toString("utf8"));
    return answerList.Check(answers) ? answers : undefined;
  } catch {
    return undefined;
  }
}
