import type { Clock } from "#base/clock.ts";
import type { Canvas } from "./canvas.ts";
import type { Keystroke } from "./keyboard.ts";
import { type Change, Picture } from "./picture.ts";
import { FRAME_MS, Scene } from "./scene.ts";

/** Someone at the machine's console. */
export interface Watcher {
  /** Whether a change could be told at once. While nobody waits, nothing is painted. */
  readonly isWaiting: boolean;
  changed(change: Change): void;
  /** The machine put a text into its clipboard. */
  copied(text: string): void;
}

/** What is done within so many milliseconds is shown at once. */
const INPUT_MS = 10;

/** The demo machine: one screen, one keyboard, one pointer and one clipboard, for everybody who looks at it. */
export class Machine implements Disposable {
  readonly #scene: Scene;
  readonly #picture: Picture;
  readonly #watchers = new Set<Watcher>();
  #timer: { readonly handle: NodeJS.Timeout; readonly due: number } | undefined;
  /** Something was done that is not painted yet. */
  #isTouched = false;

  constructor(clock: Clock) {
    this.#scene = new Scene(clock);
    this.#picture = new Picture(this.#scene);
  }

  /** What its watchers have been told that its screen looks like. */
  get screen(): Canvas {
    return this.#picture.canvas;
  }

  add(watcher: Watcher): void {
    this.#watchers.add(watcher);
    this.#countWatchers();
  }

  remove(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    this.#countWatchers();
  }

  /** A watcher has begun to wait for a change. */
  wake(): void {
    this.#paintWithin(this.#isTouched ? INPUT_MS : FRAME_MS);
  }

  press(keystroke: Keystroke): void {
    const { terminal } = this.#scene;
    switch (keystroke.type) {
      case "character":
        terminal.type(keystroke.character);
        break;
      case "erase":
        terminal.erase();
        break;
      case "discard":
        terminal.discard();
        break;
      case "enter":
        this.#copy(terminal.enter());
        break;
      case "secure-attention":
        terminal.tell("Ctrl-Alt-Del: there is nothing here to restart.");
        break;
      default:
        keystroke satisfies never;
    }
    this.#touch();
  }

  movePointer(x: number, y: number, buttons: number): void {
    this.#scene.movePointer(x, y, buttons);
    this.#touch();
  }

  /** A viewer's clipboard came over. */
  paste(text: string): void {
    this.#scene.terminal.tell(`Put in the clipboard: ${text}`);
    this.#touch();
  }

  [Symbol.dispose](): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer.handle);
    this.#watchers.clear();
  }

  #copy(line: string): void {
    if (line.trim() === "") return;
    this.#scene.terminal.tell(`Copied: ${line}`);
    for (const watcher of this.#watchers) watcher.copied(line);
  }

  #countWatchers(): void {
    this.#scene.viewers = this.#watchers.size;
    this.#touch();
  }

  #touch(): void {
    this.#isTouched = true;
    this.#paintWithin(INPUT_MS);
  }

  #paintWithin(delayMs: number): void {
    const due = performance.now() + delayMs;
    if (this.#timer !== undefined && this.#timer.due <= due) return;
    if (this.#timer !== undefined) clearTimeout(this.#timer.handle);
    this.#timer = { handle: setTimeout(() => this.#paint(), delayMs), due };
  }

  #paint(): void {
    this.#timer = undefined;
    if (!this.#isWatched()) return;
    this.#isTouched = false;
    const change = this.#picture.update();
    if (change !== undefined) for (const watcher of this.#watchers) watcher.changed(change);
    if (this.#isWatched()) this.wake();
  }

  #isWatched(): boolean {
    for (const watcher of this.#watchers) if (watcher.isWaiting) return true;
    return false;
  }
}
