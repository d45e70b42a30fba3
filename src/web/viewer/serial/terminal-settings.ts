import { signal } from "@preact/signals";
import { remember, remembered } from "../../ui/preferences.ts";

export const SIZES = ["standard", "window"] as const;
/** As serial lines assume it, or as much as the page has room for. */
export type Size = (typeof SIZES)[number];

export const fontLimits = {
  /** CSS pixels that can be chosen. */
  smallest: 8,
  largest: 32,
  /** Where the page chooses: what is still to be told from dust, and what does not shout. */
  smallestFitting: 6,
  largestFitting: 20,
  usual: 14,
} as const;

const AUTOMATIC = "auto";

/** How this person likes to see serial consoles: kept in the browser, for every one that is opened with it. */
export class TerminalSettings {
  /** Nothing is chosen until somebody chooses: then it depends on whether the machine can be told. */
  readonly size = signal<Size | undefined>(SIZES.find((known) => known === remembered("serial.size")));
  /** CSS pixels; as large as fits where nothing is chosen. */
  readonly font = signal<number | undefined>(fontOf(remembered("serial.font")));
  readonly screenReader = signal(remembered("serial.reader") === "true");
  /** A terminal's first line is text like any other, so here the bar stays beside it. */
  readonly pinned = signal(remembered("serial.pinned") !== "false");
  /** Whether a text that the machine wants copied (OSC 52) is offered. */
  readonly takesCopies = signal(remembered("serial.copies") === "true");

  setSize(size: Size): void {
    this.size.value = size;
    remember("serial.size", size);
  }

  setFont(font: number | undefined): void {
    const clamped = font === undefined ? undefined : clamp(font);
    this.font.value = clamped;
    remember("serial.font", String(clamped ?? AUTOMATIC));
  }

  setScreenReader(on: boolean): void {
    this.screenReader.value = on;
    remember("serial.reader", String(on));
  }

  setPinned(on: boolean): void {
    this.pinned.value = on;
    remember("serial.pinned", String(on));
  }

  setTakesCopies(on: boolean): void {
    this.takesCopies.value = on;
    remember("serial.copies", String(on));
  }
}

function clamp(font: number): number {
  return Math.min(Math.max(Math.round(font), fontLimits.smallest), fontLimits.largest);
}

function fontOf(text: string | undefined): number | undefined {
  const font = Number(text);
  return text === undefined || text === "" || !Number.isFinite(font) ? undefined : clamp(font);
}
