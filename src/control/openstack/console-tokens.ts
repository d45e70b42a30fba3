import { hash } from "node:crypto";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/schema";
import type { Clock } from "#base/clock.ts";
import { Shares } from "#base/shares.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { ask } from "./ask.ts";
import type { CloudFile } from "./cloud-file.ts";
import { ServiceToken } from "./service-token.ts";

const limits = {
  /** Tokens that Nova is asked about at once, of which one address has a share. */
  asking: 64,
  /** To be told of one. With the time that signing in may take before, less than a node waits for us. */
  askMs: 4_000,
  /** For how long a token that Nova does not know is not asked about again, and how many of these are remembered. */
  unknownMs: 10_000,
  unknown: 10_000,
} as const;

/** The oldest microversion that tells of consoles of every kind. */
const VERSION = "2.31";

const Connection = Type.Object({
  instance_uuid: Type.String({ minLength: 1, maxLength: 64 }),
  host: Type.Union([Type.String({ pattern: "^[\\w.:%-]+$", maxLength: 255 }), Type.Null()]),
  port: Type.Union([Type.Integer({ minimum: 1, maximum: 65_535 }), Type.Null()]),
  internal_access_path: Type.Union([Type.String({ maxLength: 4096 }), Type.Null()]),
});
const ANSWER = Compile(Type.Object({ console: Connection }));

/** Where a console of a Nova is: what `GET /os-console-auth-tokens/{token}` says (Compute API, "Show Console Connection Information"). */
export type ConsoleConnection = Static<typeof Connection>;

/**
 * Resolves to where a token's console is. Throws `ticket_invalid` where Nova does not know it, or not any more, `rate_limited` where as much is
 * asked for that viewer's address as may be; else why nobody can say.
 */
export type FindConsole = (token: string, viewer: string) => Promise<ConsoleConnection>;

/** Asks a Nova about its tokens, each once at a time, and about no more of them at once than it bears. */
export function createConsoleTokens(file: CloudFile, clock: Clock): FindConsole {
  const service = new ServiceToken(file, clock);
  const unknown = new Unknown(clock);
  const places = new Shares(limits.asking);
  const asking = new Map<string, Promise<ConsoleConnection>>();

  return async (token, viewer) => {
    const key = hash("sha256", token, "base64url");
    if (unknown.has(key)) throw new GatewayError("ticket_invalid");
    const asked = asking.get(key);
    if (asked !== undefined) return await asked;
    const leave = places.enter(viewer);
    if (leave === "enough") throw new GatewayError("rate_limited");
    if (leave === "full")
      throw new GatewayError("nova_unreachable", { detail: "it is asked as much at once as it may be" });
    const answer = find(token)
      .catch((error: unknown) => {
        if (error instanceof GatewayError && error.code === "ticket_invalid") unknown.add(key);
        throw error;
      })
      .finally(() => {
        asking.delete(key);
        leave();
      });
    asking.set(key, answer);
    return await answer;
  };

  async function find(token: string): Promise<ConsoleConnection> {
    const first = await service.get();
    const answer = await show(token, first.expose());
    if (answer.status !== 401 && answer.status !== 403) return connectionOf(answer);
    // It has ended before its time, or what it may do was changed. One that stands in the file may be another by now.
    service.drop(first);
    const second = await service.get();
    return connectionOf(second.expose() === first.expose() ? answer : await show(token, second.expose()));
  }

  async function show(token: string, own: string): ReturnType<typeof ask> {
    const { compute, ca } = file.current;
    try {
      return await ask({
        method: "GET",
        url: new URL(`${compute.href}/os-console-auth-tokens/${encodeURIComponent(token)}`),
        headers: {
          "x-auth-token": own,
          "openstack-api-version": `compute ${VERSION}`,
          "x-openstack-nova-api-version": VERSION,
        },
        ca,
        signal: AbortSignal.timeout(limits.askMs),
      });
    } catch (cause) {
      throw new GatewayError("nova_unreachable", { cause });
    }
  }
}

function connectionOf({
  status,
  body,
}: {
  readonly status: number;
  readonly body: unknown;
}): ConsoleConnection {
  if (status === 200 && ANSWER.Check(body)) return body.console;
  // Nova's own 404 is a fault in JSON; any other one says that there is no Nova.
  if (status === 404 && isFault(body)) throw new GatewayError("ticket_invalid");
  if (status === 401 || status === 403)
    throw new GatewayError("nova_refused", { detail: `it answers with status ${status}` });
  throw new GatewayError("nova_unreachable", { detail: `it answers with status ${status}` });
}

function isFault(body: unknown): boolean {
  return typeof body === "object" && body !== null && "itemNotFound" in body;
}

/** Tokens that Nova did not know a moment ago, by their hashes: whoever guesses, or tries again, does not get through to it each time. */
class Unknown {
  readonly #clock: Clock;
  /** INVARIANT: in the order in which they end, since all are kept equally long. */
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(key: string): boolean {
    const now = this.#clock.now();
    for (const [old, endsAt] of this.#until) {
      if (endsAt > now) break;
      this.#until.delete(old);
    }
    return this.#until.has(key);
  }

  add(key: string): void {
    this.#until.delete(key);
    this.#until.set(key, this.#clock.now() + limits.unknownMs);
    const [oldest] = this.#until.keys();
    if (this.#until.size > limits.unknown && oldest !== undefined) this.#until.delete(oldest);
  }
}
