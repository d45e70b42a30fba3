import type { OwnOrigins } from "./origin.ts";

const limits = {
  /** The latest are kept. */
  origins: 4,
  /** After that a domain may be anybody's, and its pages are strangers. As long as our name server answers for it. */
  keptMs: 60 * 60 * 1000,
} as const;

/**
 * Where the node was found before its name was changed: pages that were opened there stay open, and their consoles come back
 * to where they came from.
 */
export class OriginsBefore {
  readonly #elapsed: () => number;
  /** With when each was last that of now, which is the first. */
  #origins: readonly { readonly origins: OwnOrigins; readonly at: number }[] = [];

  /** `elapsed`: milliseconds since whenever. */
  constructor(elapsed = () => performance.now()) {
    this.#elapsed = elapsed;
  }

  beside(now: OwnOrigins): readonly OwnOrigins[] {
    const at = this.#elapsed();
    const before = this.#origins
      .filter((each) => !isSame(each.origins, now) && at - each.at <= limits.keptMs)
      .slice(0, limits.origins);
    this.#origins = [{ origins: now, at }, ...before];
    return before.map(({ origins }) => origins);
  }
}

function isSame(one: OwnOrigins, other: OwnOrigins): boolean {
  return one.pageOrigin === other.pageOrigin && one.webSocketOrigin === other.webSocketOrigin;
}
