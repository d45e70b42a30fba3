import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { WebSocket } from "ws";
import type { Connected } from "./connection.ts";
import { hostOf } from "./connection.ts";
import { connectionFailure, ProbeFailure } from "./probe-failure.ts";

const limits = {
  /** Of an answer; a page of ours has a tenth of it. */
  answerBytes: 64 * 1024,
} as const;

export interface Answered {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Asks for a page on a connection that is there. Throws a ProbeFailure. */
export async function ask(
  url: URL,
  { socket }: Connected,
  {
    signal,
    headers = {},
    body,
  }: {
    readonly signal: AbortSignal;
    readonly headers?: Readonly<Record<string, string>>;
    /** It is a POST then. */
    readonly body?: string;
  },
): Promise<Answered> {
  try {
    const asked = request({
      createConnection: () => socket,
      host: hostOf(url),
      path: `${url.pathname}${url.search}`,
      method: body === undefined ? "GET" : "POST",
      headers: { host: url.host, accept: "*/*", connection: "close", ...headers },
      signal,
    });
    asked.end(body);
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: await beginningOf(response),
    };
  } catch (error) {
    throw connectionFailure(signal.aborted ? signal.reason : error, signal);
  } finally {
    socket.destroy();
  }
}

async function beginningOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > limits.answerBytes) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** What came of asking for a WebSocket: it opened and a text came, or there was an answer of HTTP. */
export type Opened =
  | { readonly kind: "text"; readonly text: string; readonly protocol: string }
  | { readonly kind: "closed"; readonly protocol: string }
  | { readonly kind: "status"; readonly answer: Answered };

/** Opens a WebSocket on a connection that is there, and waits for what is said first. Throws a ProbeFailure. */
export async function openWebSocket(
  url: URL,
  { socket }: Connected,
  {
    protocols,
    origin,
    signal,
  }: { readonly protocols: readonly string[]; readonly origin: string; readonly signal: AbortSignal },
): Promise<Opened> {
  const { promise, resolve, reject } = Promise.withResolvers<Opened>();
  const webSocket = new WebSocket(url.href.replace(/^http/, "ws"), [...protocols], {
    createConnection: () => socket,
    origin,
    perMessageDeflate: false,
    maxPayload: limits.answerBytes,
    followRedirects: false,
  });
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  webSocket.on("error", reject);
  webSocket.on("message", (data) =>
    resolve({ kind: "text", text: String(data), protocol: webSocket.protocol }),
  );
  webSocket.on("close", () => resolve({ kind: "closed", protocol: webSocket.protocol }));
  webSocket.on("unexpected-response", (_request, response: IncomingMessage) => {
    beginningOf(response).then(
      (body) =>
        resolve({
          kind: "status",
          answer: { status: response.statusCode ?? 0, headers: response.headers, body },
        }),
      reject,
    );
  });
  if (signal.aborted) abort();
  try {
    return await promise;
  } catch (error) {
    if (signal.aborted) throw timedOut(error, signal);
    throw connectionFailure(error, signal);
  } finally {
    signal.removeEventListener("abort", abort);
    webSocket.on("error", () => {});
    webSocket.terminate();
    socket.destroy();
  }
}

/** The connection stands: it is the answer that does not come. */
function timedOut(error: unknown, signal: AbortSignal): unknown {
  const failure = connectionFailure(error, signal);
  if (failure instanceof ProbeFailure && failure.finding === "connect_silent")
    return new ProbeFailure("websocket_silent", failure.facts, error);
  return failure;
}
