/** How well the node answers; each is a word and a shape on the page. */
export type HealthWord = "unknown" | "good" | "fair" | "slow" | "silent";

export interface Health {
  readonly word: HealthWord;
  /** Milliseconds to the node and back, smoothed. */
  readonly roundTripMs?: number;
}

export const pulseLimits = {
  firstPingMs: 1_000,
  pingEveryMs: 3_000,
  /** Up to here typing feels immediate. */
  goodMs: 80,
  /** Up to here it feels behind, but can be worked with. */
  fairMs: 250,
  silentAfterMs: 6_000,
  /** Both must be true before the connection is given up: a laptop that slept has an old ping, but only one. */
  lostAfterMs: 30_000,
  lostAfterPings: 5,
} as const;

/** How much a new round trip counts against the ones before it. */
const NEWEST = 0.4;

/** Judges the connection by pings and their answers. Times are milliseconds of any steady clock. */
export class Pulse {
  readonly #sent = new Map<number, number>();
  #nextId = 1;
  #roundTripMs: number | undefined;

  /** The id of the ping that is to be sent now. */
  ping(now: number): number {
    const id = this.#nextId++;
    this.#sent.set(id, now);
    return id;
  }

  /** An answer to one ping answers all before it: what travels in order cannot be lost alone. */
  pong(id: number, now: number): void {
    const sentAt = this.#sent.get(id);
    if (sentAt === undefined) return;
    for (const earlier of this.#sent.keys()) if (earlier <= id) this.#sent.delete(earlier);
    const measured = now - sentAt;
    this.#roundTripMs =
      this.#roundTripMs === undefined ? measured : this.#roundTripMs * (1 - NEWEST) + measured * NEWEST;
  }

  health(now: number): Health {
    const roundTripMs = this.#roundTripMs;
    if (this.#waitedMs(now) >= pulseLimits.silentAfterMs) return { word: "silent" };
    if (roundTripMs === undefined) return { word: "unknown" };
    if (roundTripMs <= pulseLimits.goodMs) return { word: "good", roundTripMs };
    return { word: roundTripMs <= pulseLimits.fairMs ? "fair" : "slow", roundTripMs };
  }

  isLost(now: number): boolean {
    return this.#waitedMs(now) >= pulseLimits.lostAfterMs && this.#sent.size >= pulseLimits.lostAfterPings;
  }

  /** How long the oldest ping is without an answer. */
  #waitedMs(now: number): number {
    const [oldest] = this.#sent.values();
    return oldest === undefined ? 0 : now - oldest;
  }
}
