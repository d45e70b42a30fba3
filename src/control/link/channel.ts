import { randomUUID } from "node:crypto";
import { Compile } from "typebox/schema";
import type { RawData, WebSocket } from "ws";
import { Batch } from "#base/process/batch.ts";
import type { Log } from "#base/process/log.ts";
import { type ErrorCode, isErrorCode } from "#wire/errors.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import {
  type Envelope,
  Envelopes,
  isQuestion,
  LINK_CLOSE,
  type LinkCommand,
  linkLimits,
  type Question,
} from "#wire/link.ts";
import { linkFrames } from "#wire/link-frames.ts";
import { LinkQuestions } from "#wire/link-questions.ts";
import { logProblem } from "../api/http-errors.ts";
import type { NodePeer } from "./node-identity.ts";

const limits = {
  /**
   * Questions of one node that are being answered. With more than that, control reads on when some have been. Well above
   * what a node asks on behalf of viewers at once, or its heartbeats would wait behind their machines.
   */
  running: 4 * linkLimits.envelopesPerFrame,
  /** Answers that a node has not taken yet. With more than that, control reads on when it has. */
  unsentBytes: 4 * linkLimits.frameBytes,
} as const;

const envelopeList = Compile(Envelopes);

/** Answers a node's question. Throws what it is refused with. */
export type AnswerPeer = (peer: NodePeer, question: Question) => Promise<unknown>;

export interface ChannelParts {
  readonly answer: AnswerPeer;
  /** Whose the connection is, judged anew: a node that was refused since is to be heard no more. */
  readonly identify: () => Promise<NodePeer>;
  readonly log: Log;
}

/**
 * Control's end of one node's channel: answers each question in its own time, so that a slow one holds up no other, and
 * gives the node commands.
 */
export class Channel {
  readonly #socket: WebSocket;
  readonly #parts: ChannelParts;
  readonly #outgoing: Batch<Envelope>;
  readonly #commands = new LinkQuestions((command) => this.#outgoing.add(command));
  #running = 0;
  #idle = Promise.withResolvers<void>();
  /** Nothing that comes now is heard: control stops, or has refused the node. */
  #isOver = false;

  constructor(socket: WebSocket, parts: ChannelParts) {
    this.#socket = socket;
    this.#parts = parts;
    this.#outgoing = new Batch((envelopes) => this.#send(envelopes));
    this.#idle.resolve();
    socket.on("message", (data, isBinary) => this.#take(data, isBinary));
    socket.on("ping", () => this.#answerPing());
    socket.on("close", () => this.#commands.fail(new GatewayError("node_lost")));
    // What breaks a connection is for the node to notice, and to connect again.
    socket.on("error", (error) => parts.log.debug({ error }, "A node's channel broke"));
  }

  /** Reads no more questions. Resolves when those that were read are answered, and the answers are on their way. */
  async finish(): Promise<void> {
    this.#isOver = true;
    this.#socket.pause();
    await this.#idle.promise;
  }

  /** Closes the channel if its node is refused by now. Where that cannot be told, the node's next question tells. */
  async judge(): Promise<void> {
    try {
      await this.#parts.identify();
    } catch (thrown) {
      const { code } = toGatewayError(thrown);
      if (!isOurs(code)) this.#refuse(LINK_CLOSE.refused, code);
    }
  }

  /** Resolves to the body of the node's answer. Throws the GatewayError with which it refuses, or what `signal` aborts with. */
  async command(command: LinkCommand, body: unknown, signal: AbortSignal): Promise<unknown> {
    if (this.#isOver) throw new GatewayError("node_lost");
    const { body: said, error } = await this.#commands.ask(command, body, signal);
    if (error === undefined) return said;
    const { code, detail } = error;
    throw new GatewayError(isErrorCode(code) ? code : "internal", detail === undefined ? {} : { detail });
  }

  #take(data: RawData, isBinary: boolean): void {
    if (this.#isOver) return;
    const envelopes = isBinary ? undefined : parse(data);
    if (envelopes === undefined) this.#refuse(LINK_CLOSE.broken, "request_invalid");
    const questions = envelopes?.filter(isQuestion) ?? [];
    for (const envelope of envelopes ?? []) if (!isQuestion(envelope)) this.#commands.answer(envelope);
    if (questions.length === 0) return;
    if (this.#running === 0) this.#idle = Promise.withResolvers<void>();
    this.#running += questions.length;
    this.#regulate();
    void this.#answerAll(questions);
  }

  async #answerAll(questions: readonly Question[]): Promise<void> {
    try {
      const peer = await this.#parts.identify();
      for (const question of questions) void this.#answer(peer, question);
    } catch (thrown) {
      const { code } = toGatewayError(thrown);
      if (isOurs(code)) for (const { id } of questions) this.#refuseOne(id, thrown);
      else {
        this.#settle(questions.length);
        this.#refuse(LINK_CLOSE.refused, code);
      }
    }
  }

  async #answer(peer: NodePeer, question: Question): Promise<void> {
    const { id } = question;
    try {
      this.#outgoing.add({ id, body: await this.#parts.answer(peer, question) });
    } catch (thrown) {
      this.#refuseOne(id, thrown);
    }
  }

  #refuseOne(id: number, thrown: unknown): void {
    const problem = toGatewayError(thrown);
    const reference = randomUUID();
    logProblem(this.#parts.log, problem, reference);
    this.#outgoing.add({ id, error: problem.toPublic(reference) });
  }

  #send(envelopes: readonly Envelope[]): void {
    for (const frame of linkFrames(envelopes)) this.#socket.send(frame, () => this.#regulate());
    this.#settle(envelopes.filter((envelope) => !isQuestion(envelope)).length);
  }

  #settle(questions: number): void {
    this.#running -= questions;
    this.#regulate();
    if (this.#running === 0) this.#idle.resolve();
  }

  /** A node asks whether we are there. One that does not take the answers gets no more of them. */
  #answerPing(): void {
    if (this.#socket.bufferedAmount <= limits.unsentBytes) this.#socket.pong();
  }

  /** A node that asks faster than it is answered, or does not take its answers, has to wait. */
  #regulate(): void {
    const { bufferedAmount, isPaused } = this.#socket;
    const isFull = this.#running >= limits.running || bufferedAmount > limits.unsentBytes;
    if (isFull && !isPaused) this.#socket.pause();
    if (!isFull && isPaused && !this.#isOver) this.#socket.resume();
  }

  #refuse(closeCode: number, reason: ErrorCode): void {
    this.#isOver = true;
    this.#parts.log.debug({ code: reason }, "A node's channel is closed");
    this.#socket.close(closeCode, reason);
  }
}

/** What is wrong is on our side: whose channel it is could not be told, and nobody is refused for that. */
function isOurs(code: ErrorCode): boolean {
  return code === "internal" || code === "database_unavailable";
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
