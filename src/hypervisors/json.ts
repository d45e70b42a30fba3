import type { Validator } from "typebox/schema";

/** What JSON of a platform says; `undefined` for what is none, or null, which no platform answers with. */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Where a value differs first from what it should be, in words that quote nothing of it. */
export function firstDifference(check: Validator, value: unknown): string {
  const [, [first]] = check.Errors(value);
  return `${first?.instancePath || "the answer"} ${first?.message ?? ""}`;
}
