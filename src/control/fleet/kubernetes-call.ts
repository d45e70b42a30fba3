import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";

/** Where a cluster's API is, and who asks it. */
export interface KubernetesAccess {
  /** The origin of the API. */
  readonly api: string;
  /** With which its certificate is judged, PEM. */
  readonly authorityFile: string;
  /** Control's own token. Both files are read for each call, as they change. */
  readonly tokenFile: string;
}

export interface KubernetesCall {
  readonly method: "GET" | "POST" | "PUT";
  /** With its query, if it has one. */
  readonly path: string;
  readonly body?: unknown;
  /** Of an answer. */
  readonly answerBytes: number;
  readonly signal: AbortSignal;
}

export interface KubernetesAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** `undefined` where it is no JSON. */
  readonly body: unknown;
}

/** One call to the Kubernetes API: node:https, since the cluster has a CA of its own. Rejects where no answer came. */
export async function callKubernetes(
  { api, authorityFile, tokenFile }: KubernetesAccess,
  { method, path, body, answerBytes, signal }: KubernetesCall,
): Promise<KubernetesAnswer> {
  const [ca, token] = await Promise.all([readFile(authorityFile, "utf8"), readFile(tokenFile, "utf8")]);
  const sent = request(new URL(path, api), {
    method,
    agent: false,
    ca,
    headers: {
      authorization: `Bearer ${token.trim()}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      accept: "application/json",
    },
    signal,
  });
  // What breaks after the answer concerns nobody, but an error without a listener ends the process.
  sent.on("error", () => {});
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  const { statusCode: status = 0, headers } = answer;
  return { status, headers, body: await bodyOf(answer, answerBytes) };
}

async function bodyOf(answer: IncomingMessage, mostBytes: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > mostBytes) throw new Error(`the Kubernetes API answers with more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    return undefined;
  }
}
