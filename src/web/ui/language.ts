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
    const found = LANGUAGES.find((known) => tag !== undefined && known === primaryOf(tag));
    if (found !== undefined) return found;
  }
  return "en";
}

/** How the browser's owner writes that language: times differ between countries. */
export function variantOf(spoken: Language, wanted: readonly string[]): string {
  return wanted.find((tag) => primaryOf(tag) === spoken) ?? spoken;
}

function primaryOf(tag: string): string | undefined {
  return tag.toLowerCase().split("-")[0];
}
