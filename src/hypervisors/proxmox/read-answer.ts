import { Type } from "typebox";
import { Compile, type Validator } from "typebox/schema";
import { printable } from "#wire/gateway-error.ts";
import { firstDifference, parseJson } from "../json.ts";
import { ANSWERS, type Answer, type Asked } from "./answers.ts";

const limits = {
  /** Of what it says to an administrator. */
  messageCharacters: 500,
} as const;

const CHECKS = Object.fromEntries(
  Object.entries(ANSWERS).map(([asked, schema]) => [asked, Compile(Type.Object({ data: schema }))]),
) as unknown as Readonly<Record<Asked, Validator>>;

/** What the API has answered to a question that it took: what stands under `data`, or why that cannot be taken. */
export function readAnswer<What extends Asked>(
  asked: What,
  body: Uint8Array,
): { readonly data: Answer<What> } | { readonly problem: string } {
  const value = parseJson(body);
  if (value === undefined) return { problem: "it does not answer with JSON" };
  const check = CHECKS[asked];
  // The validator is that of the question's own schema.
  if (check.Check(value)) return { data: (value as { readonly data: Answer<What> }).data };
  return {
    problem: `it does not answer as documented: ${firstDifference(check, value)}`,
  };
}

/** What it says of a question that it did not take: in its status line, and later releases below it too. */
export function messageOf({ reason, body }: { readonly reason: string; readonly body: Uint8Array }): string {
  const value = parseJson(body);
  const said =
    typeof value === "object" && value !== null && "message" in value ? String(value.message) : reason;
  return printable(said.trim()).slice(0, limits.messageCharacters);
}
