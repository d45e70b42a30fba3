import type { Socket } from "node:net";
import { Standstill } from "../console/standstill.ts";
import { ignoreError } from "../ignore-error.ts";

/** In milliseconds. */
export interface SpliceDeadlines {
  /** How long one side may take nothing of what waits for it, or stay open alone. */
  readonly standstillMs: number;
  /** Between the end of one side and the cut of the other, where it does not take what is left for it. */
  readonly closingMs: number;
}

/**
 * Two connections that are one: each gets what the other says, unread, and its end after that. What waits for a side that
 * does not read is bounded by the sockets' own high-water marks, above which the other one is not read.
 */
export class Splice {
  readonly #sides: readonly [Socket, Socket];
  readonly #deadlines: SpliceDeadlines;
  readonly #standstills = [new Standstill(), new Standstill()] as const;
  /** Since when one side has said all that it has to say. */
  #halfOpenSince: number | undefined;

  /** `onClosed` is told once, when both are closed. */
  constructor(
    sides: readonly [Socket, Socket],
    deadlines: SpliceDeadlines,
    onClosed: (splice: Splice) => void,
  ) {
    this.#sides = sides;
    this.#deadlines = deadlines;
    const [one, other] = sides;
    this.#copy(one, other);
    this.#copy(other, one);
    const open = new Set(sides.filter(({ closed }) => !closed));
    if (open.size === 0) queueMicrotask(() => onClosed(this));
    for (const side of open)
      side.once("close", () => {
        open.delete(side);
        if (open.size === 0) onClosed(this);
      });
  }

  /** Cuts it when one side does not take, or does not close, any more. To be called now and then. */
  lookAfter(now: number): void {
    const { standstillMs } = this.#deadlines;
    const [one, other] = this.#sides;
    const stands = Math.max(this.#standstills[0].look(one, now), this.#standstills[1].look(other, now));
    const halfOpen = now - (this.#halfOpenSince ?? now);
    if (stands >= standstillMs || halfOpen >= standstillMs) this.cut();
  }

  cut(): void {
    for (const side of this.#sides) side.destroy();
  }

  #copy(from: Socket, to: Socket): void {
    from.on("error", ignoreError); // `close` comes next, and tells.
    from.once("end", () => {
      this.#halfOpenSince ??= performance.now();
    });
    from.once("close", () => this.#closeBehind(to));
    if (from.destroyed) this.#closeBehind(to);
    else from.pipe(to); // Ends it as well.
  }

  /** What was said before the end is still to arrive. */
  #closeBehind(side: Socket): void {
    if (side.destroyed) return;
    const deadline = setTimeout(() => side.destroy(), this.#deadlines.closingMs);
    side.once("close", () => clearTimeout(deadline));
    side.destroySoon();
  }
}
