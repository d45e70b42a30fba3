import type { ScreenSize } from "#protocols/rfb/snapshot.ts";
import type { Grant } from "#wire/grant.ts";
import type { Miniature } from "./miniature.ts";

const limits = {
  /** A machine is looked at once in this time, whoever asks and however often. */
  keptMs: 10_000,
  /** Of a kept picture; each takes some megabytes while it is made, and a quarter of that after. */
  box: { width: 640, height: 480 },
  /** Pictures that are kept. Beyond it the oldest is forgotten. */
  kept: 32,
} as const;

/** Makes a picture of a machine's screen that fits into a box. */
export type Shoot = (grant: Grant, box: ScreenSize, signal: AbortSignal) => Promise<Miniature>;

interface Shot {
  readonly takenAt: number;
  readonly picture: Promise<Miniature>;
}

/** The latest picture of each machine, or how it failed: neither a crowd nor an impatient dashboard reaches the hypervisor. */
export class Shots {
  readonly #shoot: Shoot;
  readonly #now: () => number;
  /** INVARIANT: in the order in which they were taken. */
  readonly #shots = new Map<string, Shot>();
  readonly #lifetime = new AbortController();

  /** `now` is any steady clock, in milliseconds. */
  constructor(shoot: Shoot, now: () => number) {
    this.#shoot = shoot;
    this.#now = now;
  }

  /** Gives up what is being taken, with this reason, and takes no more. Resolves when all are over. */
  async stop(reason: Error): Promise<void> {
    this.#lifetime.abort(reason);
    await Promise.allSettled([...this.#shots.values()].map(({ picture }) => picture));
  }

  async of(grant: Grant): Promise<Miniature> {
    const now = this.#now();
    const { id } = grant.machine;
    const known = this.#shots.get(id);
    if (known !== undefined && now - known.takenAt < limits.keptMs) return await known.picture;
    this.#shots.delete(id);
    const [oldest] = this.#shots.keys();
    if (this.#shots.size >= limits.kept && oldest !== undefined) this.#shots.delete(oldest);
    const picture = this.#shoot(grant, limits.box, this.#lifetime.signal);
    picture.catch(() => {}); // Whoever asks is told.
    this.#shots.set(id, { takenAt: now, picture });
    return await picture;
  }
}
