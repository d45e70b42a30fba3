import type { Socket } from "node:net";
import { Standstill } from "../console/standstill.ts";
import { ignoreError } from "../ignore-error.ts";

/**
 * A node asks its viewers whether they are there, several times in a standstill's time; it keeps from that only while it
 * waits for a machine that takes nothing, which it does not do for longer than that.
 */
const SILENT_STANDSTILLS = 2;

/** In milliseconds. */
export interface SpliceDeadlines {
  /** How long one side may take nothing of what waits for it, or stay open alone. */
  readonly standstillMs: number;
  /** Between the end of one side and the cut of the other, where it does not take what is left for it. */
  readonly closingMs: number;
}

/**
 * Two connections that are one, a viewer's and the one to its node: each gets what the other says, unread, and its end after that. What waits for a side that
 * does not read is bounded by the sockets' own high-water marks, above which the other one is not read.
 */
export class Splice {
  readonly #sides: readonly [viewer: Socket, node: Socket];
  readonly #deadlines: SpliceDeadlines;
  readonly #standstills = [new Standstill(), new Standstill()] as const;
  /** What the node had said when it was last seen to say something, or was not listened to. */
  #heard: { readonly bytes: number; readonly at: number } | undefined;
  /** Since when one side has said all that it has to say. */
  #halfOpenSince: number | undefined;

  /** `onClosed` is told once, when both are closed. */
  constructor(
    sides: readonly [viewer: Socket, node: Socket],
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

  /** Cuts it when one side does not take, or does not close, any more, or the node has vanished. To be called now and then. */
  lookAfter(now: number): void {
    const { standstillMs } = this.#deadlines;
    const [one, other] = this.#sides;
    const stands = Math.max(this.#standstills[0].look(one, now), this.#standstills[1].look(other, now));
    const halfOpen = now - (this.#halfOpenSince ?? now);
    const isLost = this.#silence(now) >= SILENT_STANDSTILLS * standstillMs;
    if (stands >= standstillMs || halfOpen >= standstillMs || isLost) this.cut();
  }

  /**
   * For how long the node has said nothing that could have been heard. One that vanished without a word is found out by this
   * while its viewer goes on talking to it: the system would go on sending that for a quarter of an hour.
   */
  #silence(now: number): number {
    const [viewer, node] = this.#sides;
    const isListened = viewer.writableLength === 0;
    if (this.#heard?.bytes !== node.bytesRead || !isListened)
      this.#heard = { bytes: node.bytesRead, at: now };
    return now - this.#heard.at;
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
