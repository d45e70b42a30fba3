import { signal } from "@preact/signals";
import type { SearchAddon } from "@xterm/addon-search";
import type { Terminal } from "@xterm/xterm";

const searchLimits = {
  /** Matches that are marked and counted. */
  matches: 1000,
} as const;

const COLOURS = {
  matchBackground: "#e6b455",
  matchOverviewRuler: "#855600",
  activeMatchBackground: "#7cc4ee",
  activeMatchColorOverviewRuler: "#0b5a86",
} as const;

export interface Found {
  /** From 1; 0 where there are too many to be counted. */
  readonly index: number;
  readonly count: number;
}

/** Finds text in one terminal. Its code is loaded with the first search. */
export class TerminalSearch {
  /** Nothing while nothing is searched for. */
  readonly found = signal<Found | undefined>(undefined);
  readonly #terminal: Terminal;
  #addon: SearchAddon | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  async find(text: string, direction: "next" | "previous", { incremental = false } = {}): Promise<void> {
    const addon = await this.#load();
    if (text === "") {
      this.clear();
      return;
    }
    const options = { decorations: COLOURS, incremental };
    if (direction === "next") addon.findNext(text, options);
    else addon.findPrevious(text, options);
  }

  clear(): void {
    this.#addon?.clearDecorations();
    this.#terminal.clearSelection();
    this.found.value = undefined;
  }

  async #load(): Promise<SearchAddon> {
    if (this.#addon !== undefined) return this.#addon;
    const module = await import("@xterm/addon-search");
    const addon = new module.SearchAddon({ highlightLimit: searchLimits.matches });
    addon.onDidChangeResults(({ resultIndex, resultCount }) => {
      this.found.value = { index: resultIndex + 1, count: resultCount };
    });
    this.#terminal.loadAddon(addon);
    this.#addon = addon;
    return addon;
  }
}
