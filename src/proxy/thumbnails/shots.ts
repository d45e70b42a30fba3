import { createHash } from "node:crypto";
import type { ScreenSize } from "#protocols/rfb/snapshot.ts";
import type { Grant } from "#wire/grant.ts";
import { type Picture, pngOf, shrunk } from "./miniature.ts";

/** The largest picture that is made. It is written down on the node's only thread: this much takes some milliseconds. */
export const LARGEST: ScreenSize = { width: 320, height: 240 };

const limits = {
  /** From one look at a machine to the next, whoever asks and however often. */
  keptMs: 10_000,
  /** Machines whose picture is kept, of a quarter of a megabyte each. Beyond it the oldest is forgotten. */
  kept: 256,
  /** Sizes of one picture that are kept written down. */
  sizes: 4,
} as const;

/** Makes a picture of a machine's screen that fits into a box. Throws the signal's reason when that aborts. */
export type Shoot = (grant: Grant, box: ScreenSize, signal: AbortSignal) => Promise<Picture>;

/**
 * One look at a machine at a time, and one in ten seconds: neither a crowd nor an impatient dashboard reaches its
 * hypervisor. How it failed is kept as long as how it looked. Where its console is reached in another way meanwhile, as with a
 * password that was mended, that is another look, or the
 * old failure would be told of the new password.
 */
export class Shots {
  readonly #shoot: Shoot;
  /** By `keyOf`, as those that are kept. */
  readonly #taking = new Map<string, Promise<Shot>>();
  /** INVARIANT: in the order in which they were taken, and each forgets itself when its time is over. */
  readonly #kept = new Map<string, Kept>();
  readonly #lifetime = new AbortController();

  constructor(shoot: Shoot) {
    this.#shoot = shoot;
  }

  /** The machine's picture as PNG, inside of the box. */
  async png(grant: Grant, box: ScreenSize): Promise<Uint8Array> {
    const key = keyOf(grant);
    const known = this.#kept.get(key)?.shot ?? this.#taking.get(key);
    return (await (known ?? this.#take(grant, key))).png(box);
  }

  /** Gives up what is being taken, with this reason, and takes no more. Resolves when all are over. */
  async stop(reason: Error): Promise<void> {
    this.#lifetime.abort(reason);
    await Promise.allSettled(this.#taking.values());
    for (const { forgetting } of this.#kept.values()) clearTimeout(forgetting);
    this.#kept.clear();
  }

  async #take(grant: Grant, key: string): Promise<Shot> {
    const shot = this.#shoot(grant, LARGEST, this.#lifetime.signal).then((picture) => new Shot(picture));
    this.#taking.set(key, shot);
    try {
      return await shot;
    } finally {
      this.#taking.delete(key);
      this.#keep(key, shot);
    }
  }

  #keep(key: string, shot: Promise<Shot>): void {
    if (this.#lifetime.signal.aborted) return;
    const forgetting = setTimeout(() => this.#kept.delete(key), limits.keptMs);
    forgetting.unref();
    this.#kept.set(key, { shot, forgetting });
    for (const [oldest, kept] of this.#kept) {
      if (this.#kept.size <= limits.kept) return;
      clearTimeout(kept.forgetting);
      this.#kept.delete(oldest);
    }
  }
}

/** Whose picture it is, and how its console is reached, of which only the hash is kept. */
function keyOf({ machine, upstream }: Grant): string {
  return `${machine.id} ${createHash("sha256").update(JSON.stringify(upstream)).digest("base64")}`;
}

interface Kept {
  readonly shot: Promise<Shot>;
  readonly forgetting: NodeJS.Timeout;
}

/** One picture, written down once for each size that is asked for. */
class Shot {
  readonly #picture: Picture;
  readonly #written = new Map<string, Uint8Array>();

  constructor(picture: Picture) {
    this.#picture = picture;
  }

  png(box: ScreenSize): Uint8Array {
    const size = `${box.width} ${box.height}`;
    const png = this.#written.get(size) ?? pngOf(shrunk(this.#picture, box));
    if (this.#written.size < limits.sizes) this.#written.set(size, png);
    return png;
  }
}
