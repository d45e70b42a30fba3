import type { Signal } from "@preact/signals";
import type { ConsoleView } from "../console-view.ts";
import { number } from "../words.ts";
import { type Line, viewerOf } from "./line.ts";
import type { SerialConsole } from "./serial-console.ts";
import type { TerminalScreen } from "./terminal-screen.ts";
import { serialWords } from "./words.ts";

/** What the parts of the page share that are there for a serial line's sake. */
export interface SerialPage {
  readonly view: ConsoleView<TerminalScreen>;
  readonly serial: SerialConsole;
  /** Whether the output is being searched. */
  readonly finding: Signal<boolean>;
}

/** What somebody at the line is called. */
export function nameOf(line: Line, viewer: number | undefined): string {
  const { you, viewerNumber } = serialWords.value;
  if (viewer === line.you) return you;
  return viewerOf(line, viewer)?.name ?? viewerNumber(number(viewer ?? 0));
}
