import { Agent } from "node:https";
import { checkServerIdentity, createSecureContext, type PeerCertificate } from "node:tls";
import type { HostPort } from "#base/config.ts";
import { nodeIdentity } from "#tls/node-identity.ts";
import { isErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { withDeadline } from "../deadline.ts";
import type { IsAnswer } from "./answers.ts";
import { post } from "./post.ts";

const limits = {
  /**
   * Calls at once; a burst of redemptions waits for a connection instead of opening one each. All are kept when
   * idle, until control closes them: a TLS handshake costs as much as several consoles.
   */
  connections: 16,
} as const;

/** What a node presents to control and what it accepts of it, all PEM. Before joining it has no certificate. */
export interface LinkCredentials {
  readonly authority: string;
  readonly certificate?: string;
  readonly privateKey?: string;
}

export interface CallOptions {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

/** The node's end of the node link (wire/link.ts): plain calls, over connections that are kept. */
export class LinkClient implements Disposable {
  readonly #control: HostPort;
  readonly #agent: Agent;

  constructor(control: string, credentials: LinkCredentials) {
    const { hostname, port } = new URL(control);
    this.#control = { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 443) };
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: limits.connections,
      maxFreeSockets: limits.connections,
      // Made once: the agent tells connections apart by all that it is given, certificates and keys in full included.
      secureContext: createSecureContext({
        ca: credentials.authority,
        cert: credentials.certificate,
        key: credentials.privateKey,
        minVersion: "TLSv1.3",
      }),
      checkServerIdentity: checkControl,
    });
  }

  /**
   * Asks control and checks the shape of its answer. Throws a GatewayError: control's own where it said no,
   * `control_unreachable` where it said nothing in time or nothing that is of the link, or the one that `signal`
   * was aborted with.
   */
  async call<Answer>(
    path: string,
    body: unknown,
    isAnswer: IsAnswer<Answer>,
    { deadlineMs, signal }: CallOptions,
  ): Promise<Answer> {
    const { status, body: said } = await withDeadline(
      deadlineMs,
      signal,
      async (limited) => await this.#post(path, body, limited),
    );
    if (status !== 200) throw refusal(status, said);
    if (!isAnswer(said)) throw unreachable(new Error(`control's answer to ${path} is not of the link`));
    return said;
  }

  async #post(path: string, body: unknown, signal: AbortSignal) {
    try {
      return await post({ control: this.#control, path, agent: this.#agent, body, signal });
    } catch (cause) {
      throw signal.reason instanceof GatewayError ? signal.reason : unreachable(cause);
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** Control's certificate must hold for its address, and must not be a node's: a node is not control. */
function checkControl(host: string, certificate: PeerCertificate): Error | undefined {
  if (nodeIdentity(certificate) !== undefined)
    return new Error("a node's certificate, where control's belongs");
  return checkServerIdentity(host, certificate);
}

function unreachable(cause: unknown): GatewayError {
  return new GatewayError("control_unreachable", { cause });
}

/** `{"error": PublicError}`; anything else with an error status comes from something that is not control. */
function refusal(status: number, body: unknown): GatewayError {
  const error = property(body, "error");
  const code = property(error, "code");
  const detail = property(error, "detail");
  if (!isErrorCode(code)) return unreachable(new Error(`status ${status} without an error of the catalogue`));
  return new GatewayError(code, typeof detail === "string" ? { detail } : {});
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
