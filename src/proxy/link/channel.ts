import { connect, type SecureContext, type TLSSocket } from "node:tls";
import { Compile } from "typebox/schema";
import { type RawData, WebSocket } from "ws";
import { Batch } from "#base/process/batch.ts";
import { isErrorCode } from "#wire/errors.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import {
  type Envelope,
  Envelopes,
  isQuestion,
  LINK_CLOSE,
  LINK_PATHS,
  LINK_PROTOCOL,
  type LinkCall,
  linkLimits,
  type Question,
} from "#wire/link.ts";
import { linkFrames } from "#wire/link-frames.ts";
import { LinkQuestions } from "#wire/link-questions.ts";
import { ignoreError } from "../ignore-error.ts";
import { checkControl } from "./check-control.ts";
import { controlAddress } from "./control-address.ts";
import { opened } from "./opened.ts";
import { abortion, refusal, unreachable } from "./refusal.ts";

/** In milliseconds. */
export interface ChannelDeadlines {
  /** From the dial to the open channel. */
  readonly openMs: number;
  /** How long nothing may come while a question waits, until control is pinged. */
  readonly quietMs: number;
  /** For control's answer to that ping. */
  readonly pingMs: number;
}

export const CHANNEL_DEADLINES: ChannelDeadlines = { openMs: 5_000, quietMs: 2_000, pingMs: 2_000 };

const limits = {
  /** Control gives one command of a kind at a time; what comes beyond this is refused. */
  runningCommands: 64,
} as const;

const envelopeList = Compile(Envelopes);

/** Does what control asks for and resolves to the answer. Throws a GatewayError. */
export type Obey = (command: Question) => Promise<unknown>;

/**
 * The node's end of the link's channel: one WebSocket that carries all its questions and control's commands, each
 * answered in its own time. Once it is closed it stays so, and every question that waits is `control_unreachable`.
 */
export class Channel {
  readonly #socket: WebSocket;
  readonly #obey: Obey;
  readonly #outgoing = new Batch<Envelope>((envelopes) => this.#send(envelopes));
  readonly #questions = new LinkQuestions((question) => this.#outgoing.add(question));
  readonly #deadlines: ChannelDeadlines;
  #runningCommands = 0;
  /** Nothing more is asked on it: it is closed once all that was asked is answered. */
  #isRetiring = false;
  /** Runs while questions wait: how long nothing was heard, then how long a ping is unanswered. */
  #doubt: NodeJS.Timeout | undefined;
  #dialled: TLSSocket | undefined;

  private constructor(
    socket: WebSocket,
    { obey, deadlines }: { readonly obey: Obey; readonly deadlines: ChannelDeadlines },
  ) {
    this.#socket = socket;
    this.#obey = obey;
    this.#deadlines = deadlines;
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
      obey,
      deadlines,
      lifetime,
    }: {
      readonly secureContext: SecureContext;
      readonly obey: Obey;
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
    const channel = new Channel(socket, { obey, deadlines });
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

  /** Control's address on it. */
  get remoteAddress(): string | undefined {
    return this.#dialled?.remoteAddress;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Resolves to the body of control's answer. Throws a GatewayError. What `signal` aborts with ends the wait. */
  async ask(call: LinkCall, body: unknown, signal: AbortSignal): Promise<unknown> {
    if (!this.isOpen) throw unreachable();
    this.#doubt ??= this.#listen();
    try {
      const answer = await this.#questions.ask(call, body, signal);
      if (answer.error !== undefined) throw refusal(answer.error);
      return answer.body;
    } catch (thrown) {
      throw signal.aborted && thrown === signal.reason ? abortion(signal) : thrown;
    } finally {
      this.#closeIfDone();
    }
  }

  /** Closes the channel when all questions are answered, and control's commands too. */
  retire(): void {
    this.#isRetiring = true;
    setImmediate(() => this.#closeIfDone());
  }

  #closeIfDone(): void {
    if (this.#isRetiring && this.#questions.size === 0 && this.#runningCommands === 0)
      this.#socket.close(1000);
  }

  #send(envelopes: readonly Envelope[]): void {
    for (const frame of linkFrames(envelopes)) this.#socket.send(frame, ignoreError);
  }

  #take(data: RawData, isBinary: boolean): void {
    const envelopes = isBinary ? undefined : parse(data);
    if (envelopes === undefined) this.#socket.terminate();
    for (const envelope of envelopes ?? []) {
      if (isQuestion(envelope)) void this.#do(envelope);
      else this.#questions.answer(envelope);
    }
    this.#hear();
  }

  async #do(command: Question): Promise<void> {
    const { id } = command;
    this.#runningCommands += 1;
    try {
      if (this.#runningCommands > limits.runningCommands) throw new GatewayError("rate_limited");
      this.#outgoing.add({ id, body: await this.#obey(command) });
    } catch (thrown) {
      this.#outgoing.add({ id, error: toGatewayError(thrown).toPublic() });
    } finally {
      this.#runningCommands -= 1;
      // Behind the answer, which leaves at the end of this turn.
      setImmediate(() => this.#closeIfDone());
    }
  }

  /** Control may be slow to answer one question, or be gone without a word: then it does not answer a ping either. */
  #listen(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#socket.ping();
      this.#doubt = setTimeout(() => this.#socket.terminate(), this.#deadlines.pingMs);
    }, this.#deadlines.quietMs);
  }

  #hear(): void {
    clearTimeout(this.#doubt);
    this.#doubt = this.#questions.size === 0 ? undefined : this.#listen();
  }

  #fail(code: number, reason: string): void {
    clearTimeout(this.#doubt);
    // Of other codes the reason is about one frame, and none of the questions' business.
    const isRefused = code === LINK_CLOSE.refused && isErrorCode(reason);
    this.#questions.fail(isRefused ? new GatewayError(reason) : unreachable());
  }
}

function dial(url: URL, secureContext: SecureContext): TLSSocket {
  return connect({ ...controlAddress(url), secureContext, checkServerIdentity: checkControl });
}

function parse(data: RawData): readonly Envelope[] | undefined {
  try {
    // The text of one frame: ws gives lists of buffers only where it was asked for them.
    const envelopes: unknown = JSON.parse((data as Buffer).toString("utf8"));
    return envelopeList.Check(envelopes) ? envelopes : undefined;
  } catch {
    return undefined;
  }
}
