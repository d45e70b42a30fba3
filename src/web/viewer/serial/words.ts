import { computed } from "@preact/signals";
import { type Language, language } from "../../ui/language.ts";
import { GERMAN } from "./strings-de.ts";
import { ENGLISH, type Strings } from "./strings-en.ts";

const CATALOGUE: Readonly<Record<Language, Strings>> = { en: ENGLISH, de: GERMAN };

/** The words of the serial page alone, in the language that is chosen now. */
export const serialWords = computed(() => CATALOGUE[language.value]);
