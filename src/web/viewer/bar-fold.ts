import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";

export const foldLimits = {
  /** Over a picture that has just come it stands long enough to be seen, and then leaves it free. */
  introductionMs: 3000,
  /** The pointer may cross the picture's edge on its way along the bar. */
  leaveMs: 700,
  /** Resting at the very edge calls the bar; brushing it on the way to something of the guest's does not. */
  edgeMs: 200,
} as const;

/** Where the pointer is, as far as the bar cares. */
export type PointerPlace = "edge" | "bar" | "picture";

interface FoldConditions {
  /** Only over a live picture does the bar fold away. */
  readonly mayFold: ReadonlySignal<boolean>;
  readonly menusOpen: ReadonlySignal<number>;
}

/** When the bar is to be seen. It folds for a pointer in the picture, and never under somebody's hands. */
export class BarFold {
  readonly #called = signal(true);
  readonly #conditions: FoldConditions;
  /** `unseen` before the pointer has moved, and where there is none. */
  #place: PointerPlace | "unseen" = "unseen";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasFocus = false;

  readonly shown = computed(
    () => !this.#conditions.mayFold.value || this.#conditions.menusOpen.value > 0 || this.#called.value,
  );

  constructor(conditions: FoldConditions) {
    this.#conditions = conditions;
    effect(() => {
      this.set(true);
      if (conditions.mayFold.value && this.#mayLeave) this.#later(foldLimits.introductionMs, false);
    });
  }

  pointer(place: PointerPlace): void {
    if (place === this.#place) return;
    this.#place = place;
    clearTimeout(this.#timer);
    if (place === "picture" && this.#mayLeave) this.#later(foldLimits.leaveMs, false);
    if (place === "edge") this.#later(foldLimits.edgeMs, true);
  }

  /** The keyboard is in the bar, or has left it. */
  focus(inBar: boolean): void {
    this.#hasFocus = inBar;
    clearTimeout(this.#timer);
    if (this.#mayLeave) this.#later(foldLimits.leaveMs, false);
  }

  /** A finger on the picture wants the picture; a press on the handle or the shortcut wants the bar. */
  set(shown: boolean): void {
    clearTimeout(this.#timer);
    this.#called.value = shown;
  }

  get #mayLeave(): boolean {
    return !this.#hasFocus && (this.#place === "picture" || this.#place === "unseen");
  }

  #later(ms: number, shown: boolean): void {
    this.#timer = setTimeout(() => {
      this.#called.value = shown;
    }, ms);
  }
}
