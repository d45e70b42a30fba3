import type { Speech } from "./speech.ts";
import type { LineTap } from "./tap.ts";

interface Typed {
  readonly bytes: Buffer;
  readonly taken: () => void;
}

/**
 * What was typed, and a line has not taken yet. INVARIANT: beside the chunk that its socket has, no more of it is held than one chunk for
 * each viewer who is there, for a tap waits until that is taken; what waits of who leaves goes with him.
 */
export class Typing {
  readonly #speech: Pick<Speech, "type" | "isFull">;
  readonly #waiting = new Map<LineTap, Typed>();
  /** Of what the socket has. */
  readonly #written: (() => void)[] = [];

  constructor(speech: Pick<Speech, "type" | "isFull">) {
    this.#speech = speech;
  }

  type(tap: LineTap, { bytes, taken }: Typed): void {
    if (this.#speech.isFull) this.#waiting.set(tap, { bytes, taken });
    else if (this.#speech.type(bytes)) taken();
    else this.#written.push(taken);
  }

  /** The line takes something again. */
  drained(): void {
    const written = this.#written.splice(0);
    for (const [tap, typed] of this.#waiting) {
      if (this.#speech.isFull) break;
      this.#waiting.delete(tap);
      this.type(tap, typed);
    }
    // Behind those who wait: whoever is told that it was taken types on at once.
    for (const taken of written) taken();
  }

  left(tap: LineTap): void {
    this.#waiting.delete(tap);
  }

  /** The line takes nothing any more, and nobody waits for it. */
  stop(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const taken of this.#written.splice(0)) taken();
    for (const { taken } of waiting) taken();
  }
}
