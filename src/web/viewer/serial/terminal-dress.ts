import { effect, signal } from "@preact/signals";
import { theme } from "../../ui/theme.ts";
import { PALETTES } from "./palette.ts";
import type { SerialConsole } from "./serial-console.ts";

/** Keeps the terminal in the page's colours, and in the way that whoever uses it reads. */
export function dressTerminal({ screen, settings }: SerialConsole): void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const systemIsDark = signal(dark.matches);
  dark.addEventListener("change", () => {
    systemIsDark.value = dark.matches;
  });
  effect(() => {
    const terminal = screen.value?.terminal;
    if (terminal === undefined) return;
    const isDark = theme.value === "system" ? systemIsDark.value : theme.value === "dark";
    terminal.options.theme = PALETTES[isDark ? "dark" : "light"];
  });
  effect(() => {
    const terminal = screen.value?.terminal;
    if (terminal !== undefined) terminal.options.screenReaderMode = settings.screenReader.value;
  });
}
