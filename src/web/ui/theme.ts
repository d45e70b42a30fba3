import { effect, signal } from "@preact/signals";
import { remember, remembered } from "./preferences.ts";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export const theme = signal<Theme>("system");

/** The tokens follow `data-theme` on the root element, and the system where there is none. */
export function startTheme(): void {
  const before = remembered("theme");
  theme.value = THEMES.find((known) => known === before) ?? "system";
  effect(() => {
    if (theme.value === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme.value;
  });
}

export function setTheme(chosen: Theme): void {
  theme.value = chosen;
  remember("theme", chosen);
}
