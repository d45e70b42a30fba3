import { Compile, type Validator } from "typebox/schema";
import { firstDifference, parseJson } from "../json.ts";
import { ANSWERS, type Answer, Refusal, type Verb } from "./answers.ts";

const REFUSAL = Compile(Refusal);
const CHECKS: Readonly<Record<Verb, Validator>> = {
  list: Compile(ANSWERS.list),
  machine: Compile(ANSWERS.machine),
  resolve: Compile(ANSWERS.resolve),
  power: Compile(ANSWERS.power),
  screenshot: Compile(ANSWERS.screenshot),
};

/** What a command has answered: what was asked for, a refusal, or something that is neither, and why. */
export function readAnswer<Asked extends Verb>(
  verb: Asked,
  output: Uint8Array,
): { readonly answer: Answer<Asked> } | { readonly refusal: Refusal } | { readonly problem: string } {
  const value = parseJson(output);
  if (value === undefined) return { problem: "did not answer with JSON" };
  if (REFUSAL.Check(value)) return { refusal: value };
  const check = CHECKS[verb];
  // The validator is that of the verb's own schema.
  if (check.Check(value)) return { answer: value as Answer<Asked> };
  return {
    problem: `did not answer as documented: ${firstDifference(check, value)}`,
  };
}
