import { GatewayError } from "#wire/gateway-error.ts";
import {
  type RestoredBecause,
  type SerialNodeMessage,
  type SerialViewerMessage,
  serialLimits,
} from "#wire/serial.ts";
import { HEADER_ROOM } from "../console/frame-header.ts";
import type { UpstreamLeg } from "../console/upstream-leg.ts";
import { Allowance } from "./allowance.ts";
import type { Drawing } from "./drawing.ts";
import { Floor } from "./floor.ts";
import { Screen, type Size } from "./screen.ts";
import { Speech } from "./speech.ts";
import { LineTap, type TapEvents } from "./tap.ts";
import { Typing } from "./typing.ts";

const limits = {
  /** Given to the viewers at once, so that no more than this is on the way beyond what one may have unacknowledged. */
  sliceBytes: 16 * 1024,
  /** Between two restorations for a viewer that cannot keep up: each costs some milliseconds. */
  restoreEveryMs: 1_000,
  /** For how long who takes nothing is waited for by others who do, because he writes. */
  patienceMs: 2_000,
  /** For who has fallen behind, to be shown where the line was when it ended. */
  lastWordsMs: 5_000,
  /** For a machine that takes nothing, to take what was typed last. Its line bears one connection: while this one stands, the next gets not a byte. */
  closingMs: 3_000,
  /** Of what one viewer says beside bytes: each word is told to others. More than people say. */
  words: { burst: 30, perSecond: 5 },
  /** Between two sizes of the terminal: each is told to all, and has the screen arranged anew. */
  resizeEveryMs: 100,
} as const;

/** Who comes to a line. */
export interface Visitor {
  readonly name?: string | undefined;
  readonly mayWrite: boolean;
  /** It has no words for who writes. */
  readonly isBare: boolean;
  tell(message: SerialNodeMessage): void;
}

interface Watcher extends Visitor {
  readonly viewer: number;
  readonly tap: LineTap;
  readonly words: Allowance;
  /** It is not given what the line says, but restored: since it has just come, or could not keep up. */
  misses: RestoredBecause | undefined;
  restoredAt: number;
  isRestoring: boolean;
  later?: NodeJS.Timeout;
}

export interface LineOptions {
  /** Paused. */
  readonly leg: UpstreamLeg;
  /** In what the line's bytes stand. */
  readonly speaks: "bytes" | "telnet" | "termproxy";
  /** What it means that the line ends before it has said anything; undefined: no more than that. */
  readonly meantBySilence: string | undefined;
  readonly drawing: Drawing;
  /** For how long the line is kept when nobody is there. */
  readonly graceMs: number;
  /** It takes nobody any more. */
  readonly onEnded: () => void;
}

/**
 * A serial line that is open: one connection, and everybody who is at it. What it says goes to all of them and to a screen; what the one
 * says who writes goes to it. It is read as fast as the writer takes it: of the others, who cannot keep up is shown later where it is.
 */
export class Line implements TapEvents {
  readonly #options: LineOptions;
  readonly #speech: Speech;
  readonly #typing: Typing;
  readonly #screen = new Screen();
  readonly #floor = new Floor();
  /** All places that are taken; and whoever has come to his. */
  readonly #taps = new Set<LineTap>();
  readonly #watchers = new Map<LineTap, Watcher>();
  #viewers = 0;
  /** Read, and not given yet. */
  #rest: Uint8Array = new Uint8Array(0);
  /** How many have to be shown a screen that must not change meanwhile. */
  #restorations = 0;
  #isPaused = true;
  #isOver = false;
  #isGone = false;
  #wasHeard = false;
  #grace: NodeJS.Timeout | undefined;
  #patience: NodeJS.Timeout | undefined;
  #resizing: NodeJS.Timeout | undefined;
  #lastWords: NodeJS.Timeout | undefined;
  /** The last size that was said while it was too early for another. */
  #nextSize: Size | undefined;

  constructor(options: LineOptions) {
    const { leg, speaks } = options;
    this.#options = options;
    this.#speech = new Speech(leg.socket, speaks);
    this.#typing = new Typing(this.#speech);
    leg.onBytes = (memory, length) => {
      this.#read(memory.subarray(HEADER_ROOM, HEADER_ROOM + length));
      return false;
    };
    leg.socket.on("drain", () => {
      this.#speech.drained();
      this.#typing.drained();
    });
    leg.socket.on("end", () => this.#end());
    leg.socket.on("error", (cause) => this.#lose(cause));
    leg.socket.on("close", () => this.#lose());
    this.#goOn();
    this.#keep();
  }

  get takesBreak(): boolean {
    return this.#speech.hasWords;
  }

  get takesSize(): boolean {
    return this.#speech.hasWords;
  }

  /** A place at the line, where nothing is given yet. Throws `line_full`. */
  tap(): LineTap {
    if (this.#taps.size >= serialLimits.viewers) throw new GatewayError("line_full");
    clearTimeout(this.#grace);
    const tap = new LineTap(this);
    this.#taps.add(tap);
    return tap;
  }

  /** From here on whoever has the tap is at the line: it is told who else is, and shown the screen. */
  enter(tap: LineTap, visitor: Visitor): (message: SerialViewerMessage) => void {
    this.#viewers += 1;
    const watcher: Watcher = {
      ...visitor,
      viewer: this.#viewers,
      tap,
      words: new Allowance(limits.words, performance.now()),
      misses: "attached",
      restoredAt: Number.NEGATIVE_INFINITY,
      isRestoring: false,
    };
    this.#watchers.set(tap, watcher);
    this.#floor.enter({ ...visitor, viewer: watcher.viewer, tell: (message) => watcher.tell(message) });
    watcher.tell({ type: "size", ...this.#screen.size });
    if (this.#isGone) tap.finish();
    if (!tap.waits) void this.#restore(watcher);
    return (message) => this.#hear(watcher, message);
  }

  /** All that is known of what it has said. Undefined where it is over. */
  async lines(): Promise<readonly string[] | undefined> {
    if (this.#isGone) return undefined;
    this.#restorations += 1;
    const lines = await this.#screen.lines();
    this.#restorations -= 1;
    this.#goOn();
    return lines;
  }

  /** Closes the line. */
  close(): void {
    this.#stop();
    this.#options.leg.close(limits.closingMs);
  }

  typed(tap: LineTap, bytes: Buffer, taken: () => void): void {
    const watcher = this.#watchers.get(tap);
    if (this.#isOver || watcher === undefined || !this.#mayType(watcher)) taken();
    else this.#typing.type(tap, { bytes, taken });
  }

  resumed(tap: LineTap): void {
    const watcher = this.#watchers.get(tap);
    if (watcher?.misses !== undefined) void this.#restore(watcher);
    else this.#goOn();
  }

  left(tap: LineTap): void {
    const watcher = this.#watchers.get(tap);
    this.#watchers.delete(tap);
    this.#taps.delete(tap);
    this.#typing.left(tap);
    clearTimeout(watcher?.later);
    if (watcher !== undefined) this.#floor.leave(watcher.viewer);
    if (this.#taps.size === 0) this.#keep();
    this.#goOn();
  }

  #mayType({ viewer, isBare }: Watcher): boolean {
    return isBare ? this.#floor.claim(viewer) : this.#floor.writer === viewer;
  }

  #hear(watcher: Watcher, message: SerialViewerMessage): void {
    const writes = this.#floor.writer === watcher.viewer;
    if (message.type === "size") {
      if (writes) this.#resize(message);
      return;
    }
    if (!watcher.words.take(performance.now())) return;
    if (message.type === "break" && writes) this.#speech.sendBreak();
    this.#floor.hear(watcher.viewer, message);
    this.#goOn();
  }

  #resize(size: Size): void {
    this.#nextSize = size;
    if (this.#resizing !== undefined) return;
    this.#takeSize();
    this.#resizing = setTimeout(() => {
      this.#resizing = undefined;
      if (this.#nextSize !== undefined) this.#resize(this.#nextSize);
    }, limits.resizeEveryMs);
  }

  #takeSize(): void {
    const { columns, rows } = this.#nextSize ?? this.#screen.size;
    this.#nextSize = undefined;
    const { size } = this.#screen;
    if (size.columns === columns && size.rows === rows) return;
    this.#screen.resize({ columns, rows });
    this.#speech.resize({ columns, rows });
    for (const watcher of this.#watchers.values()) watcher.tell({ type: "size", columns, rows });
  }

  #read(bytes: Uint8Array): void {
    this.#wasHeard = true;
    const said = this.#speech.decode(bytes);
    this.#rest = this.#rest.length === 0 ? said : Buffer.concat([this.#rest, said]);
    this.#goOn();
  }

  /** Gives what was read, as far as it is to be, and reads on or does not. */
  #goOn(): void {
    if (this.#isGone) return;
    while (this.#rest.length > 0 && this.#mayGive) {
      const slice = this.#rest.subarray(0, limits.sliceBytes);
      this.#rest = this.#rest.subarray(slice.length);
      this.#give(slice);
    }
    const isHeld = this.#rest.length > 0 || !this.#mayGive;
    if (!isHeld && this.#isOver) this.#finish();
    this.#lookWhoIsWaitedFor(isHeld);
    if (isHeld === this.#isPaused || this.#isOver) return;
    this.#isPaused = isHeld;
    if (isHeld) this.#options.leg.socket.pause();
    else this.#options.leg.socket.resume();
  }

  /** Whoever writes is waited for; where nobody does, the fastest is. */
  get #mayGive(): boolean {
    if (this.#restorations > 0) return false;
    const watchers = [...this.#watchers.values()];
    const writer = watchers.find(({ viewer }) => viewer === this.#floor.writer);
    if (writer !== undefined && writer.misses === undefined) return !writer.tap.waits;
    return watchers.length === 0 || watchers.some(({ misses, tap }) => misses === undefined && !tap.waits);
  }

  #give(slice: Uint8Array): void {
    this.#screen.push(slice);
    this.#options.drawing.wants(this.#screen);
    for (const watcher of this.#watchers.values()) {
      if (watcher.misses !== undefined) continue;
      if (watcher.tap.waits) watcher.misses = "behind";
      else watcher.tap.give(slice);
    }
  }

  #lookWhoIsWaitedFor(isHeld: boolean): void {
    const others = [...this.#watchers.values()].some(({ misses, tap }) => misses === undefined && !tap.waits);
    if (!isHeld || !others || this.#restorations > 0) {
      clearTimeout(this.#patience);
      this.#patience = undefined;
      return;
    }
    this.#patience ??= setTimeout(() => {
      this.#patience = undefined;
      for (const watcher of this.#watchers.values()) if (watcher.tap.waits) watcher.misses ??= "behind";
      this.#goOn();
    }, limits.patienceMs);
  }

  async #restore(watcher: Watcher): Promise<void> {
    if (watcher.isRestoring || watcher.later !== undefined) return;
    const waitMs = watcher.restoredAt + limits.restoreEveryMs - performance.now();
    if (waitMs > 0) {
      watcher.later = setTimeout(() => {
        delete watcher.later;
        void this.#restore(watcher);
      }, waitMs);
      return;
    }
    watcher.isRestoring = true;
    this.#restorations += 1;
    const bytes = await this.#screen.restore(watcher.misses ?? "behind");
    this.#restorations -= 1;
    watcher.isRestoring = false;
    if (this.#watchers.has(watcher.tap) && !this.#isGone) this.#show(watcher, bytes);
    this.#goOn();
  }

  #show(watcher: Watcher, bytes: Uint8Array): void {
    const because = watcher.misses ?? "behind";
    watcher.misses = undefined;
    watcher.restoredAt = performance.now();
    if (bytes.length === 0 && because === "attached") return;
    watcher.tell({ type: "restored", bytes: bytes.length, because });
    for (let start = 0; start < bytes.length; start += limits.sliceBytes)
      watcher.tap.give(bytes.subarray(start, start + limits.sliceBytes));
  }

  /** While nobody is there. */
  #keep(): void {
    clearTimeout(this.#lastWords);
    clearTimeout(this.#grace);
    if (this.#isGone) return;
    if (this.#isOver) this.close();
    else this.#grace = setTimeout(() => this.close(), this.#options.graceMs);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onEnded();
    this.#goOn();
  }

  /** It is over, and all was given: who has missed some of it is shown the screen once more, in time. */
  #finish(): void {
    // Nothing of the line's is needed for that, and whoever opens it anew is not kept out.
    this.#options.leg.close(limits.closingMs);
    const taps = [...this.#taps];
    const isOwed = taps.map((tap) => this.#isOwedScreen(tap));
    if (!isOwed.includes(true)) this.close();
    for (const [index, tap] of taps.entries()) if (isOwed[index] !== true) this.#dismiss(tap);
    // Who takes nothing does not see the end of what it takes.
    if (this.#taps.size > 0) this.#lastWords ??= setTimeout(() => this.#leaveOff(), limits.lastWordsMs);
  }

  /** Whoever has a place and is just coming to it, too. */
  #isOwedScreen(tap: LineTap): boolean {
    const watcher = this.#watchers.get(tap);
    return this.#wasHeard && (watcher === undefined || watcher.misses !== undefined);
  }

  #dismiss(tap: LineTap): void {
    const { meantBySilence: detail } = this.#options;
    if (this.#wasHeard || detail === undefined) tap.finish();
    else tap.destroy(new GatewayError("upstream_closed", { detail }));
  }

  #leaveOff(): void {
    this.close();
    for (const tap of [...this.#taps]) tap.destroy(new GatewayError("upstream_closed"));
  }

  #lose(cause?: Error): void {
    if (this.#isGone) return;
    // It had ended in good order: what is not given yet still will be.
    if (this.#isOver) {
      this.#typing.stop();
      return;
    }
    this.#stop();
    const lost = cause instanceof GatewayError ? cause : new GatewayError("upstream_lost", { cause });
    for (const tap of [...this.#taps]) tap.destroy(lost);
  }

  #stop(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    if (!this.#isOver) this.#options.onEnded();
    this.#isOver = true;
    clearTimeout(this.#grace);
    clearTimeout(this.#patience);
    clearTimeout(this.#resizing);
    this.#speech.stop();
    for (const { later } of this.#watchers.values()) clearTimeout(later);
    this.#typing.stop();
    this.#floor.close();
    this.#options.drawing.forget(this.#screen);
    this.#screen.dispose();
  }
}
