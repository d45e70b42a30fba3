import { isFinding } from "#wire/findings.ts";
import { CHECKS, type CheckLine, type CheckName } from "#wire/self-check.ts";
import type { Language } from "../../ui/language.ts";
import { CHECKS_DE, FACTS_DE } from "./checks-de.ts";
import { FINDINGS_DE } from "./findings-de.ts";

/** What was found, in the chosen language; a newer control's own words for what these pages do not know. */
export function findingText(
  { finding, message, remedy }: Pick<CheckLine, "finding" | "message" | "remedy">,
  language: Language,
): { readonly message: string; readonly remedy: string | undefined } {
  if (language !== "de" || !isFinding(finding)) return { message, remedy };
  const [meaning, whatToDo] = FINDINGS_DE[finding];
  return { message: meaning, remedy: whatToDo === "" ? undefined : whatToDo };
}

export function checkText(check: string, language: Language): string {
  if (!isCheck(check)) return check;
  const text = language === "de" ? CHECKS_DE[check] : CHECKS[check];
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function factText(name: string, language: Language): string {
  return language === "de" ? (FACTS_DE[name] ?? name) : name;
}

function isCheck(name: string): name is CheckName {
  return Object.hasOwn(CHECKS, name);
}
