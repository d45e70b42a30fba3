import { isErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { SessionReport } from "#wire/link.ts";
import type { WhyResponse } from "#wire/link-why.ts";

export const limits = {
  /** Closings that control is asked of at once, in few frames. Of those beyond nobody asks: they end as what they look like. */
  asked: 500,
} as const;

type Asked = Pick<SessionReport, "sessionId" | "attachment">;

/** Asks control why the upstreams of open consoles have closed by themselves. */
export class Whys {
  readonly #ask: (session: Asked) => Promise<WhyResponse>;
  #asked = 0;

  constructor(ask: (session: Asked) => Promise<WhyResponse>) {
    this.#ask = ask;
  }

  /** Never rejects: undefined where nobody knows better than the node. */
  async why({ sessionId, attachment }: Asked): Promise<GatewayError | undefined> {
    if (this.#asked >= limits.asked) return undefined;
    this.#asked += 1;
    try {
      const { code, detail } = await this.#ask({ sessionId, attachment });
      return isErrorCode(code) ? new GatewayError(code, detail === undefined ? {} : { detail }) : undefined;
    } catch {
      return undefined;
    } finally {
      this.#asked -= 1;
    }
  }
}
