import { computed } from "@preact/signals";
import { type Language, language } from "../ui/language.ts";
import { GERMAN } from "./strings-de.ts";
import { ENGLISH, type Strings } from "./strings-en.ts";

const CATALOGUE: Readonly<Record<Language, Strings>> = { en: ENGLISH, de: GERMAN };

/** The words of these pages in the language that is chosen now. */
export const words = computed(() => CATALOGUE[language.value]);

/** A number as the chosen language writes it. */
export function number(value: number): string {
  return value.toLocaleString(language.value);
}
