import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { late } from "./dial.ts";
import { HypervisorError } from "./hypervisor-error.ts";
import { dialTls, type Trust } from "./trust.ts";

const limits = {
  /** Connections to one hypervisor, and as many for what waits, where nothing else is said. */
  connections: 4,
  /** Less than whoever asks has, so that the step that does not answer is told. */
  connectMs: 5_000,
  /** One that nobody needs is closed. */
  idleMs: 30_000,
  /** From a question to the last byte of its answer, whatever the signal says. */
  answerMs: 60_000,
  /** Of an answer's head. */
  headBytes: 32 * 1024,
} as const;

export interface HttpsQuestion {
  readonly method: "GET" | "POST" | "PUT" | "DELETE" | "PATCH";
  /** With its query, if it has one. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Of the answer. */
  readonly answerBytes: number;
  readonly signal: AbortSignal;
  /** Asked twice it does no harm, so it may be asked again where the hypervisor closed a connection that was kept. */
  readonly isRepeatable?: boolean;
  /** It is answered once something happens, and asked on connections of their own: nobody else waits until then. */
  readonly waits?: boolean;
}

export interface HttpsAnswer {
  /** Redirects too: nobody is followed to where nobody sent us. */
  readonly status: number;
  /** As it stands beside the status. */
  readonly reason: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The API of one hypervisor. Every answer has a bound, and a time by when it is there. */
export class HttpsClient implements Disposable {
  readonly host: string;
  readonly port: number;
  readonly #agent: Agent;
  readonly #waiting: Agent;

  constructor({
    host,
    port,
    trust,
    connections = limits.connections,
  }: {
    readonly host: string;
    readonly port: number;
    readonly trust: Trust;
    /** What is asked beyond as many questions at once waits for one of these to be answered. */
    readonly connections?: number;
  }) {
    this.host = host;
    this.port = port;
    this.#agent = new TrustingAgent(this, trust, connections);
    this.#waiting = new TrustingAgent(this, trust, connections);
  }

  /** Throws a HypervisorError with the step that failed, or the signal's reason. */
  async ask(question: HttpsQuestion): Promise<HttpsAnswer> {
    const signal = AbortSignal.any([question.signal, AbortSignal.timeout(limits.answerMs)]);
    return await this.#before(signal, async () => {
      const answer = await this.#send(question, signal);
      return { ...headOf(answer), body: await bodyOf(answer, question.answerBytes) };
    });
  }

  /** The same, of an answer that goes on for as long as the signal lets it; its bytes are read as they come, on a connection for what waits. */
  async open(
    question: Omit<HttpsQuestion, "answerBytes" | "waits">,
  ): Promise<Omit<HttpsAnswer, "body"> & { readonly body: AsyncIterable<Buffer> }> {
    const slow = new AbortController();
    const timer = setTimeout(
      () => slow.abort(new DOMException("no answer in time", "TimeoutError")),
      limits.answerMs,
    );
    const signal = AbortSignal.any([question.signal, slow.signal]);
    try {
      return await this.#before(signal, async () => {
        const answer = await this.#send({ ...question, waits: true }, signal);
        return { ...headOf(answer), body: bytesOf(answer, signal) };
      });
    } finally {
      clearTimeout(timer);
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
    this.#waiting.destroy();
  }

  /** Does it, and throws what it is told in its place once the signal is aborted. */
  async #before<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    signal.throwIfAborted();
    const { promise: givenUp, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(signal.reason);
    signal.addEventListener("abort", giveUp, { once: true });
    const done = work();
    try {
      // Node ends a request that is given up once it has its connection, and no sooner.
      return await Promise.race([done, givenUp]);
    } catch (cause) {
      throw inSteps(cause, signal);
    } finally {
      signal.removeEventListener("abort", giveUp);
      done.catch(() => {});
    }
  }

  async #send(question: Omit<HttpsQuestion, "answerBytes">, signal: AbortSignal): Promise<IncomingMessage> {
    const { method, path, headers, body, waits = false } = question;
    const agent = waits ? this.#waiting : this.#agent;
    const sent = request({
      ...{ host: this.host, port: this.port, method, path, agent, signal },
      maxHeaderSize: limits.headBytes,
      headers: { accept: "application/json", ...headers },
    });
    // What breaks after the answer concerns nobody, but an error without a listener ends the process.
    sent.on("error", () => {});
    sent.end(body);
    try {
      const [answer] = (await once(sent, "response")) as [IncomingMessage];
      return answer;
    } catch (error) {
      // It has just closed a connection that was kept for the next question, which it has not read.
      const isStale = sent.reusedSocket && !signal.aborted && codeOf(error) === "ECONNRESET";
      if (isStale && question.isRepeatable === true) return await this.#send(question, signal);
      throw error;
    }
  }
}

function inSteps(cause: unknown, signal: AbortSignal): unknown {
  if (cause instanceof HypervisorError) return cause;
  if (signal.aborted) return late(signal, "answer");
  return new HypervisorError("answer", messageOf(cause), { cause });
}

async function* bytesOf(answer: IncomingMessage, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    yield* answer as AsyncIterable<Buffer>;
  } catch (cause) {
    throw inSteps(cause, signal);
  }
}

/** Connections on which it is known who is there before anything is said. */
class TrustingAgent extends Agent {
  readonly #place: { readonly host: string; readonly port: number };
  readonly #trust: Trust;
  readonly #closing = new AbortController();

  constructor(place: { readonly host: string; readonly port: number }, trust: Trust, connections: number) {
    super({ keepAlive: true, maxSockets: connections, timeout: limits.idleMs });
    this.#place = place;
    this.#trust = trust;
  }

  override createConnection: Agent["createConnection"] = (_options, created) => {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(limits.connectMs)]);
    dialTls(this.#place, this.#trust, signal).then(
      (socket) => created?.(null, socket),
      // Where there is an error, Node looks at no socket.
      (error: Error) => (created as ((error: Error) => void) | undefined)?.(error),
    );
    return undefined;
  };

  override destroy(): void {
    this.#closing.abort(new Error("closed from here"));
    super.destroy();
  }
}

function headOf({ statusCode: status = 0, statusMessage: reason = "", headers }: IncomingMessage) {
  return { status, reason, headers };
}

async function bodyOf(answer: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > mostBytes)
      throw new HypervisorError("answer", `it answers with more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
