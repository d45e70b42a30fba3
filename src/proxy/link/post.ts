import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { type Agent, request } from "node:https";
import type { HostPort } from "#base/config.ts";
import { ignoreError } from "../ignore-error.ts";

const limits = {
  /** Answers of control are small; the largest is a grant of a few kilobytes. */
  answerBytes: 256 * 1024,
} as const;

export interface Call {
  readonly control: HostPort;
  readonly path: string;
  readonly agent: Agent;
  readonly body: unknown;
  /** Ends the call, wherever it is: its deadline, or the stop of the process. */
  readonly signal: AbortSignal;
}

/** One POST of JSON. Rejects with whatever broke it; `body` is undefined where the answer is not JSON. */
export async function post(call: Call): Promise<{ readonly status: number; readonly body: unknown }> {
  try {
    return await attempt(call);
  } catch (error) {
    // The other end closes idle connections; one that we took up at that very moment has carried nothing.
    if (!(error instanceof StaleConnection)) throw error;
    return await attempt(call);
  }
}

class StaleConnection extends Error {
  override readonly name = "StaleConnection";
}

async function attempt({ control, path, agent, body, signal }: Call) {
  const payload = Buffer.from(JSON.stringify(body));
  const sent = request({
    ...control,
    path,
    method: "POST",
    agent,
    signal,
    headers: { "content-type": "application/json", "content-length": payload.length },
  });
  // What breaks after the answer concerns nobody, but an error without a listener ends the process.
  sent.on("error", ignoreError);
  sent.end(payload);
  try {
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    return { status: answer.statusCode ?? 0, body: parse(await collect(answer)) };
  } catch (cause) {
    const stale = sent.reusedSocket && !signal.aborted && isReset(cause);
    throw stale ? new StaleConnection("connection closed while idle", { cause }) : cause;
  }
}

function isReset(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
}

async function collect(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  answer.on("data", (chunk: Buffer) => {
    length += chunk.length;
    chunks.push(chunk);
    if (length > limits.answerBytes)
      answer.destroy(new Error(`answer longer than ${limits.answerBytes} bytes`));
  });
  await once(answer, "end");
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
