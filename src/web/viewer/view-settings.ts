import { effect, signal } from "@preact/signals";
import { remember, remembered } from "../ui/preferences.ts";
import { QUALITIES, type Quality, SCALES, type Scale } from "./screen.ts";
import type { VncConsole } from "./vnc-console.ts";

/** How this person likes to see consoles: kept in the browser, for every console that is opened with it. */
export class ViewSettings {
  readonly scale = signal<Scale>(oneOf(SCALES, remembered("scale")) ?? "fit");
  readonly quality = signal<Quality>(oneOf(QUALITIES, remembered("quality")) ?? "balanced");
  /** The bar keeps its place above the picture instead of folding away over it. */
  readonly pinned = signal(remembered("pinned") === "true");
  /** Dragging moves the picture, not the machine's pointer. Of this page only. */
  readonly panning = signal(false);

  /** Applies itself to every screen that the console shows, from now on. */
  constructor({ session, clipping }: VncConsole) {
    effect(() => session.screen.value?.scale(this.scale.value));
    effect(() => session.screen.value?.quality(this.quality.value));
    effect(() => session.screen.value?.pan(this.panning.value && clipping.value));
  }

  setScale(scale: Scale): void {
    this.scale.value = scale;
    remember("scale", scale);
  }

  setQuality(quality: Quality): void {
    this.quality.value = quality;
    remember("quality", quality);
  }

  setPinned(pinned: boolean): void {
    this.pinned.value = pinned;
    remember("pinned", String(pinned));
  }
}

function oneOf<Value extends string>(values: readonly Value[], text: string | undefined): Value | undefined {
  return values.find((value) => value === text);
}
