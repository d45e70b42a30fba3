import { type ReadonlySignal, signal } from "@preact/signals";
import {
  type Chord,
  type Key,
  MODIFIERS,
  type Modifier,
  type SendKey,
  sendCharacter,
  sendChord,
  sendStroke,
} from "./keys.ts";
import type { Screen } from "./screen.ts";
import { type TypingProgress, typeStrokes, waitOrAbort } from "./typing.ts";
import type { Stroke } from "./us-layout.ts";

/** Keys that no keyboard pressed: chords, modifiers that are held by a button, text that is typed for somebody. */
export class ConsoleKeys {
  /** Modifiers that are held down until they are let go. */
  readonly held = signal<readonly Modifier[]>([]);
  readonly typing = signal<TypingProgress | undefined>(undefined);
  readonly #screen: ReadonlySignal<Screen | undefined>;

  constructor(screen: ReadonlySignal<Screen | undefined>) {
    this.#screen = screen;
  }

  readonly send: SendKey = (key: Key, down: boolean) => {
    this.#screen.value?.key(key, down);
  };

  chord(chord: Chord): void {
    sendChord(chord, this.send);
  }

  character(character: string): void {
    sendCharacter(character, this.send, this.#shiftHeld);
  }

  toggle(modifier: Modifier): void {
    const held = this.held.value.includes(modifier);
    this.send(MODIFIERS[modifier], !held);
    this.held.value = held
      ? this.held.value.filter((other) => other !== modifier)
      : [...this.held.value, modifier];
  }

  /** Everything up: what buttons hold, and what noVNC holds. */
  releaseAll(): void {
    for (const modifier of this.held.value) this.send(MODIFIERS[modifier], false);
    this.held.value = [];
    this.#screen.value?.releaseKeys();
  }

  /** Types a text key by key. Resolves to how many keys were pressed. */
  async type(strokes: readonly Stroke[]): Promise<number> {
    this.typing.value?.cancel();
    const controller = new AbortController();
    const cancel = () => controller.abort();
    const total = strokes.length;
    this.typing.value = { typed: 0, total, cancel };
    const typed = await typeStrokes(strokes, {
      press: (stroke) => sendStroke(stroke, this.send, this.#shiftHeld),
      wait: waitOrAbort(controller.signal),
      onProgress: (count) => {
        this.typing.value = { typed: count, total, cancel };
      },
      signal: controller.signal,
    });
    if (this.typing.value?.cancel === cancel) this.typing.value = undefined;
    return typed;
  }

  /** The console is over: nothing is held any more, and nothing more is typed. */
  stop(): void {
    this.typing.value?.cancel();
    this.typing.value = undefined;
    this.held.value = [];
  }

  get #shiftHeld(): boolean {
    return this.held.value.includes("shift");
  }
}
