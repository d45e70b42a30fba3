import type { Signal } from "@preact/signals";
import type { ConsoleView } from "./console-view.ts";
import type { Screen } from "./screen.ts";
import type { ViewSettings } from "./view-settings.ts";
import type { VncConsole } from "./vnc-console.ts";

/** What the parts of the page share that are there for a picture's sake. */
export interface VncPage {
  readonly view: ConsoleView<Screen>;
  readonly vnc: VncConsole;
  readonly settings: ViewSettings;
  /** Whether the telephone's own keyboard is open, and types into the machine. */
  readonly touchKeyboard: Signal<boolean>;
}
