import type { OwnOrigins } from "./origin.ts";

const limits = {
  /** The latest are kept. */
  origins: 4,
} as const;

/**
 * Where the node was found before its name was changed: pages that were opened there stay open, and their consoles come back
 * to where they came from.
 */
export class OriginsBefore {
  /** The one of now is the first. */
  #origins: readonly OwnOrigins[] = [];

  beside(now: OwnOrigins): readonly OwnOrigins[] {
    const [latest] = this.#origins;
    if (latest === undefined || !isSame(latest, now))
      this.#origins = [now, ...this.#origins.filter((each) => !isSame(each, now))].slice(
        0,
        limits.origins + 1,
      );
    return this.#origins.slice(1);
  }
}

function isSame(one: OwnOrigins, other: OwnOrigins): boolean {
  return one.pageOrigin === other.pageOrigin && one.webSocketOrigin === other.webSocketOrigin;
}
