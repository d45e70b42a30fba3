import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { everybodysRoots } from "../certificate/chain.ts";
import { AcmeError } from "./acme-error.ts";

const limits = {
  /** Of any answer: a chain of four with long lists of names has 20 KiB. */
  answerBytes: 256 * 1024,
  /** From the question to the last byte of the answer. */
  answerMs: 30_000,
  /** Between what an authority asks to wait and what is done: nobody is asked again in the same second, or never. */
  shortestRetryMs: 1_000,
  longestRetryMs: 7 * 24 * 60 * 60 * 1000,
} as const;

export interface HttpsAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface HttpsQuestion {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: string;
  readonly body?: string;
  readonly accept?: string;
}

export interface TransportOptions {
  /** PEM: authorities by which the server is known, beside those that everybody knows. */
  readonly roots?: string | undefined;
  readonly userAgent: string;
  /** From a question to the last byte of its answer; what `limits` say if absent. */
  readonly answerMs?: number | undefined;
  /** Gives up whatever runs. */
  readonly signal: AbortSignal;
}

/**
 * Questions by HTTPS to one authority: node:https, as that takes roots of its own for each, and no redirects are followed,
 * which the protocol knows none of. Size and time of an answer are bounded, whoever gives it.
 */
export class Transport implements Disposable {
  readonly #agent: Agent;
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#agent = new Agent({
      keepAlive: true,
      // A directory for trying things out may be trusted by everybody, though nobody knows the root of what it issues.
      ca: [...everybodysRoots(), ...(options.roots === undefined ? [] : [options.roots])],
    });
  }

  /** Throws an AcmeError where no answer came, and the signal's reason where that aborts. */
  async ask(question: HttpsQuestion): Promise<HttpsAnswer> {
    const { host } = safeUrl(question.url);
    const { signal: stop, answerMs = limits.answerMs } = this.#options;
    stop.throwIfAborted();
    const late = AbortSignal.timeout(answerMs);
    try {
      return await this.#send(question, AbortSignal.any([stop, late]));
    } catch (cause) {
      stop.throwIfAborted();
      if (cause instanceof AcmeError) throw cause;
      const reason = late.aborted ? "ETIMEDOUT" : codeOf(cause);
      throw new AcmeError(
        { kind: isDistrust(reason) ? "untrusted" : "unreachable", host, reason },
        { cause },
      );
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #send(question: HttpsQuestion, signal: AbortSignal): Promise<HttpsAnswer> {
    const { method, url, body, accept = "application/json" } = question;
    const sent = request(url, {
      method,
      agent: this.#agent,
      signal,
      headers: {
        accept,
        "user-agent": this.#options.userAgent,
        ...(body === undefined ? {} : { "content-type": "application/jose+json" }),
      },
    });
    // What breaks after the answer concerns nobody, but an error without a listener ends the process.
    sent.on("error", () => {});
    sent.end(body);
    try {
      const [answer] = (await once(sent, "response")) as [IncomingMessage];
      const { statusCode: status = 0, headers } = answer;
      return { status, headers, text: await textOf(answer) };
    } catch (error) {
      // The server has just closed a connection that was kept for the next question, which it has not read: a new one is asked.
      if (!sent.reusedSocket || signal.aborted || codeOf(error) !== "ECONNRESET") throw error;
      return await this.#send(question, signal);
    }
  }
}

/** RFC 9110 §10.2.3: seconds, or a date. `undefined` where there is none, or none that can be read. */
export function retryAfterMs(headers: IncomingHttpHeaders, now: number): number | undefined {
  const text = headers["retry-after"];
  if (text === undefined) return undefined;
  const wait = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  if (Number.isNaN(wait)) return undefined;
  return Math.min(Math.max(wait, limits.shortestRetryMs), limits.longestRetryMs);
}

/** What an authority names is asked by HTTPS, or not at all. */
export function safeUrl(text: unknown): URL {
  const url =
    typeof text === "string" && text.length <= 2048 && URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:") throw new AcmeError({ kind: "malformed", what: "an address" });
  return url;
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limits.answerBytes)
      throw new AcmeError({ kind: "malformed", what: `an answer of more than ${limits.answerBytes} bytes` });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function codeOf(error: unknown): string {
  if (error instanceof Error && "code" in error) return String(error.code);
  return error instanceof Error ? error.message : String(error);
}

/** As OpenSSL and Node call what is wrong with a certificate. */
function isDistrust(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH/.test(code);
}
