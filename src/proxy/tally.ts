import { once } from "node:events";

/** How many are at something now, for whoever waits until nobody is. */
export class Tally {
  readonly #emptied = new EventTarget();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Counts one in. To be called, once, when it is done: what this returns. */
  enter(): () => void {
    this.#size += 1;
    return () => {
      this.#size -= 1;
      if (this.#size === 0) this.#emptied.dispatchEvent(new Event("emptied"));
    };
  }

  /** Resolves when there is none, or when the signal aborts. */
  async untilEmpty(signal: AbortSignal): Promise<void> {
    while (this.#size > 0 && !signal.aborted)
      await once(this.#emptied, "emptied", { signal }).catch(() => {});
  }
}
