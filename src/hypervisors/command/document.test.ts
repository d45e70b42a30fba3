import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { Check } from "typebox/schema";
import { ANSWERS, Refusal, Request } from "./answers.ts";

const page = readFileSync(new URL("../../../docs/command-driver.md", import.meta.url), "utf8");
const SCHEMAS = { ...ANSWERS, refusal: Refusal, request: Request };

describe("what docs/command-driver.md shows", () => {
  const shown = [...page.matchAll(/^```json (\w+)\n(.*?)^```$/gms)].map(([, kind = "", text = ""]) => ({
    kind,
    value: JSON.parse(text) as unknown,
  }));

  for (const [kind, schema] of Object.entries(SCHEMAS))
    test(`of ${kind} is as the schema has it`, () => {
      const values = shown.filter((each) => each.kind === kind).map(({ value }) => value);

      assert.ok(values.length > 0);
      for (const value of values) assert.ok(Check(schema, value), JSON.stringify(value));
    });

  test("are all reasons that there are", () => {
    for (const reason of Refusal.properties.error.properties.reason.enum)
      assert.ok(page.includes(`\`${reason}\``), reason);
  });
});
