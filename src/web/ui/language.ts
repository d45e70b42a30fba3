import { effect, signal } from "@preact/signals";
import { remember, remembered } from "./preferences.ts";

export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

/** Each language under its own name, as everybody finds their own. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: "English", de: "Deutsch" };

export const language = signal<Language>("en");

/** Takes what was chosen before, else the first of the browser's languages that we have. */
export function startLanguage(): void {
  language.value = pickLanguage([remembered("language"), ...navigator.languages]);
  effect(() => {
    document.documentElement.lang = language.value;
  });
}

export function setLanguage(chosen: Language): void {
  language.value = chosen;
  remember("language", chosen);
}

/** `wanted` are BCP 47 tags, most wanted first. */
export function pickLanguage(wanted: readonly (string | undefined)[]): Language {
  for (const tag of wanted) {
    const primary = tag?.toLowerCase().split("-")[0];
    const found = LANGUAGES.find((known) => known === primary);
    if (found !== undefined) return found;
  }
  return "en";
}
