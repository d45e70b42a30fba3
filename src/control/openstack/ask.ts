import { once } from "node:events";
import { type IncomingHttpHeaders, type IncomingMessage, request as plain } from "node:http";
import { request as secure } from "node:https";

const limits = {
  /** Of an answer; tokens with their catalogue take tens of kilobytes. */
  answerBytes: 1024 * 1024,
  headBytes: 32 * 1024,
} as const;

interface Question {
  readonly method: "GET" | "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM: by whom its certificate is signed. The system's authorities if absent. */
  readonly ca: string | undefined;
  readonly signal: AbortSignal;
}

interface Answer {
  /** Redirects too: a token is shown to nobody that was not named. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What its JSON says; undefined where it is none. */
  readonly body: unknown;
}

/** Asks a service of OpenStack something. Throws what kept it from an answer, or the signal's reason. */
export async function ask({ method, url, headers, body, ca, signal }: Question): Promise<Answer> {
  const options = {
    method,
    signal,
    // One that was kept may have been closed by then, and the question be lost.
    agent: false,
    maxHeaderSize: limits.headBytes,
    headers: { accept: "application/json", ...headers },
  };
  const sent =
    url.protocol === "https:"
      ? secure(url, { ...options, ...(ca === undefined ? {} : { ca }) })
      : plain(url, options);
  // What breaks after the answer concerns nobody, but an error without a listener ends the process.
  sent.on("error", () => {});
  sent.end(body);
  const [answer] = (await once(sent, "response", { signal })) as [IncomingMessage];
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    body: parsed(await textOf(answer)),
  };
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limits.answerBytes) throw new Error(`an answer of more than ${limits.answerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
