import { connect, type SecureContext, type TLSSocket } from "node:tls";
import { Compile } from "typebox/compile";
import { type RawData, WebSocket } from "ws";
import { Batch } from "#base/process/batch.ts";
import { isErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import {
  Answers,
  LINK_CLOSE,
  LINK_PATHS,
  LINK_PROTOCOL,
  type LinkCall,
  linkLimits,
  type Question,
} from "#wire/link.ts";
import { linkFrames } from "#wire/link-frames.ts";
import { DeadlineError } from "../deadline.ts";
import { ignoreError } from "../ignore-error.ts";
import { checkControl } from "./check-control.ts";
import { opened } from "./opened.ts";
import { abortion, refusal, unreachable } from "./refusal.ts";

/** In milliseconds. */
export interface ChannelDeadlines {
  /** From the dial to the open channel. */
  readonly openMs: number;
  /** For control's answer to a ping, where there is doubt whether it is still there. */
  readonly pingMs: number;
}

export const CHANNEL_DEADLINES: ChannelDeadlines = { openMs: 10_000, pingMs: 5_000 };

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
  readonly #pingMs: number;
  #nextId = 0;
  #dialled: TLSSocket | undefined;
  /** How often control was heard. */
  #heard = 0;
  #ping: NodeJS.Timeout | undefined;

  private constructor(socket: WebSocket, pingMs: number) {
    this.#socket = socket;
    this.#pingMs = pingMs;
    socket.on("message", (data, isBinary) => this.#take(data, isBinary));
    socket.on("pong", () => this.#hear());
    socket.on("close", (code, reason) => this.#fail(code, reason.toString("utf8")));
    socket.on("error", ignoreError); // It is closed next, and that is what tells.
  }

  /**
   * Throws a GatewayError: control's own where it refuses, else `control_unreachable`. When `lifetime` aborts, the
   * channel is cut, open or not.
   */
  static async open(
    control: string,
    {
      secureContext,
      deadlines,
      lifetime,
    }: {
      readonly secureContext: SecureContext;
      readonly deadlines: ChannelDeadlines;
      readonly lifetime: AbortSignal;
    },
  ): Promise<Channel> {
    const url = new URL(LINK_PATHS.channel, control.replace(/^https:/, "wss:"));
    const dialled = dial(url, secureContext);
    const socket = new WebSocket(url, LINK_PROTOCOL, {
      createConnection: () => dialled,
      perMessageDeflate: false,
      maxPayload: linkLimits.frameBytes,
    });
    const cut = () => socket.terminate();
    lifetime.addEventListener("abort", cut, { once: true });
    socket.on("close", () => lifetime.removeEventListener("abort", cut));
    const channel = new Channel(socket, deadlines.pingMs);
    channel.#dialled = dialled;
    if (lifetime.aborted) cut();
    const deadline = setTimeout(cut, deadlines.openMs);
    try {
      await opened(socket);
    } finally {
      clearTimeout(deadline);
    }
    return channel;
  }

  /** The node's own address on it. */
  get localAddress(): string | undefined {
    return this.#dialled?.localAddress;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Resolves to the body of control's answer. Throws a GatewayError. What `signal` aborts with ends the wait. */
  async ask(call: LinkCall, body: unknown, signal: AbortSignal): Promise<unknown> {
    if (!this.isOpen) throw unreachable();
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const heard = this.#heard;
    const giveUp = () => {
      reject(abortion(signal));
      if (signal.reason instanceof DeadlineError && heard === this.#heard) this.#doubt();
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
    this.#hear();
    const answers = isBinary ? undefined : parse(data);
    if (answers === undefined) this.#socket.terminate();
    for (const { id, body, error } of answers ?? []) {
      const asked = this.#asked.get(id);
      // Whoever asked may have given up.
      if (error === undefined) asked?.resolve(body);
      else asked?.reject(refusal(error));
    }
  }

  /** Nothing came all the while: control may be slow to answer that one question, or be gone without a word. */
  #doubt(): void {
    if (!this.isOpen || this.#ping !== undefined) return;
    this.#ping = setTimeout(() => this.#socket.terminate(), this.#pingMs);
    this.#socket.ping();
  }

  #hear(): void {
    this.#heard += 1;
    clearTimeout(this.#ping);
    this.#ping = undefined;
  }

  #fail(code: number, reason: string): void {
    clearTimeout(this.#ping);
    // Of other codes the reason is about one frame, and none of the questions' business.
    const isRefused = code === LINK_CLOSE.refused && isErrorCode(reason);
    const error = isRefused ? new GatewayError(reason) : unreachable();
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
