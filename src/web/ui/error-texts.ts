import { ERRORS, type ErrorCode, isErrorCode } from "#wire/errors.ts";
import { GERMAN_ERRORS } from "./error-texts-de.ts";
import type { Language } from "./language.ts";

/** What happened and what to do, as whole sentences. */
export interface ErrorText {
  readonly meaning: string;
  readonly remedy: string;
}

export function errorText(code: ErrorCode, language: Language): ErrorText {
  return language === "de" ? GERMAN_ERRORS[code] : ERRORS[code];
}

/** A code from outside: one that this version does not know reads as `internal`. */
export function knownCode(code: unknown): ErrorCode {
  return isErrorCode(code) ? code : "internal";
}
