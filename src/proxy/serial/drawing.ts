import type { Screen } from "./screen.ts";

const limits = {
  /** What waits is drawn together: a line that is typed into says a few bytes at a time. */
  pauseMs: 50,
  /** Of the node's time, what drawing takes at most: one part in so many. */
  timeShare: 10,
} as const;

/** Draws the screens of all lines of a node, one after the other, in a bounded part of its time. */
export class Drawing {
  readonly #waiting = new Set<Screen>();
  #timer: NodeJS.Timeout | undefined;
  #isDrawing = false;

  /** The screen has something to draw. */
  wants(screen: Screen): void {
    this.#waiting.add(screen);
    if (!this.#isDrawing) this.#pause(limits.pauseMs);
  }

  /** It is not drawn here any more. */
  forget(screen: Screen): void {
    this.#waiting.delete(screen);
  }

  stop(): void {
    this.#waiting.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #pause(milliseconds: number): void {
    this.#timer ??= setTimeout(() => void this.#draw(), milliseconds).unref();
  }

  async #draw(): Promise<void> {
    this.#timer = undefined;
    const [screen] = this.#waiting;
    if (screen === undefined) return;
    this.#isDrawing = true;
    const start = performance.now();
    this.#waiting.delete(screen);
    await screen.drawSome();
    // Behind the others.
    if (screen.undrawnBytes > 0) this.#waiting.add(screen);
    this.#isDrawing = false;
    const tookMs = performance.now() - start;
    if (this.#waiting.size > 0) this.#pause(Math.max(1, tookMs * (limits.timeShare - 1)));
  }
}
