import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { ignoreError } from "../ignore-error.ts";
import { answerBody } from "./answer-body.ts";
import { checkControl } from "./check-control.ts";
import { abortion, refusalIn, unreachable } from "./refusal.ts";

export interface Post {
  readonly url: URL;
  /** The only CA that is trusted, PEM. */
  readonly authority: string;
  readonly body: unknown;
  /** Ends the request, wherever it is: its deadline, or the stop of the process. */
  readonly signal: AbortSignal;
}

/**
 * One POST of JSON to control, on a connection of its own, without a certificate of the node. Resolves to the body of
 * its answer. Throws a GatewayError: control's own where it said no, else `control_unreachable`.
 */
export async function post({ url, authority, body, signal }: Post): Promise<unknown> {
  const { status, body: said } = await exchange({ url, authority, body, signal }).catch((cause) => {
    throw signal.aborted ? abortion(signal) : unreachable(cause);
  });
  if (status !== 200) throw refusalIn(status, said);
  return said;
}

async function exchange({ url, authority, body, signal }: Post) {
  const sent = request(url, {
    method: "POST",
    agent: false,
    ca: authority,
    minVersion: "TLSv1.3",
    checkServerIdentity: checkControl,
    headers: { "content-type": "application/json" },
    signal,
  });
  // What breaks after the answer concerns nobody, but an error without a listener ends the process.
  sent.on("error", ignoreError);
  sent.end(JSON.stringify(body));
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, body: await answerBody(answer) };
}
