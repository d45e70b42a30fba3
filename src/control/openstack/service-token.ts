import { Type } from "typebox";
import { Compile } from "typebox/schema";
import type { Clock } from "#base/clock.ts";
import { Secret } from "#base/secret.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { ask } from "./ask.ts";
import type { Keystone } from "./cloud.ts";
import type { CloudFile } from "./cloud-file.ts";

const limits = {
  /** So long before its end a token is not shown any more: what it is shown for takes its time, and clocks differ. */
  spareMs: 60_000,
  /** To sign in, for all who wait for that. */
  signInMs: 5_000,
} as const;

const TOKEN = Compile(Type.Object({ token: Type.Object({ expires_at: Type.String({ maxLength: 64 }) }) }));

/** What the services of an OpenStack are asked with, and until when. */
interface Held {
  readonly token: Secret;
  readonly endsAt: number;
}

/** Control's own token in an OpenStack: got of Keystone when it is needed, or the one that stands in the file. */
export class ServiceToken {
  readonly #file: CloudFile;
  readonly #clock: Clock;
  #held: Held | undefined;
  /** Everybody who comes meanwhile waits for that one. */
  #getting: Promise<Held> | undefined;

  constructor(file: CloudFile, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
  }

  /** Throws `nova_refused` where Keystone does not know us, and `nova_unreachable` where it says nothing of use. */
  async get(): Promise<Secret> {
    if (this.#held !== undefined && this.#held.endsAt > this.#clock.now()) return this.#held.token;
    this.#getting ??= this.#obtain().finally(() => {
      this.#getting = undefined;
    });
    this.#held = await this.#getting;
    return this.#held.token;
  }

  /** It is not taken any more: the next one is got anew. */
  drop(token: Secret): void {
    if (this.#held?.token === token) this.#held = undefined;
  }

  async #obtain(): Promise<Held> {
    try {
      const { auth, ca } = this.#file.reread();
      if (auth.kind === "token") return { token: auth.token, endsAt: Number.POSITIVE_INFINITY };
      return await this.#signIn(auth, ca);
    } catch (cause) {
      if (cause instanceof GatewayError) throw cause;
      throw new GatewayError("nova_unreachable", { cause, detail: "control cannot sign in at its Keystone" });
    }
  }

  /** Identity API v3, `POST /v3/auth/tokens`. */
  async #signIn({ url, request }: Keystone, ca: string | undefined): Promise<Held> {
    const { status, headers, body } = await ask({
      method: "POST",
      url: new URL(`${url.href}/auth/tokens?nocatalog`),
      headers: { "content-type": "application/json" },
      body: request.expose(),
      ca,
      signal: AbortSignal.timeout(limits.signInMs),
    });
    if (status === 401 || status === 403)
      throw new GatewayError("nova_refused", { detail: "Keystone does not take control's own credentials" });
    const token = headers["x-subject-token"];
    if (status !== 201 || typeof token !== "string" || !TOKEN.Check(body))
      throw new GatewayError("nova_unreachable", { detail: `Keystone answers with status ${status}` });
    const endsAt = Date.parse(body.token.expires_at);
    return { token: new Secret(token), endsAt: Number.isNaN(endsAt) ? 0 : endsAt - limits.spareMs };
  }
}
