import { Turns } from "#base/turns.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { consolePath, placeOf, type Upstream } from "#wire/grant.ts";

const limits = {
  /**
   * At one console's server. TigerVNC counts each connection as a wrong password until one has signed in, and the sixth of one
   * address is shut out, with everybody behind it.
   */
  atOnce: 4,
  /** For one server, for their turn: as many as one node carries (session-ceiling.ts). */
  waiting: 5_000,
} as const;

/** How somebody waits for their turn. */
export interface Waiting {
  readonly signal: AbortSignal;
  /** Called where it is not their turn at once. */
  readonly onWait: () => void;
}

/** Lets few sign in at once at one server, of all who come to it from our address. */
export interface SignIns {
  /** Does it when it is its turn. Throws the signal's reason where that comes first, and `upstream_busy` where too many wait. */
  take<Result>(server: string, work: () => Promise<Result>, waiting: Waiting): Promise<Result>;
}

/** By which a console's server is told from others. Of one that has many consoles, each is known by its path. */
export function serverOf(upstream: Pick<Upstream, "address">): string {
  const place = placeOf(upstream);
  const path = consolePath(upstream);
  return place.kind === "unix" ? `${place.path}${path}` : `${place.host.toLowerCase()} ${place.port}${path}`;
}

/** Those of this process. */
export class OwnSignIns implements SignIns {
  readonly #servers = new Map<string, { readonly turns: Turns; present: number }>();

  async take<Result>(server: string, work: () => Promise<Result>, waiting: Waiting): Promise<Result> {
    const known = this.#servers.get(server) ?? { turns: newTurns(), present: 0 };
    this.#servers.set(server, known);
    known.present += 1;
    try {
      if (known.present > limits.atOnce) waiting.onWait();
      return await known.turns.take(work, waiting.signal);
    } finally {
      known.present -= 1;
      if (known.present === 0) this.#servers.delete(server);
    }
  }
}

function newTurns(): Turns {
  return new Turns({
    atWork: limits.atOnce,
    waiting: limits.waiting,
    full: () => new GatewayError("upstream_busy"),
  });
}
