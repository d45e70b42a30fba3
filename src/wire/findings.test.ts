import assert from "node:assert/strict";
import { test } from "node:test";
import { FINDINGS } from "./findings.ts";

test("whatever is not as it should be is told with what to do", () => {
  for (const [name, { result, meaning, remedy }] of Object.entries(FINDINGS)) {
    assert.match(meaning, /^\S.*\.$/, name);
    if (result === "warning" || result === "failed") assert.match(remedy, /\w+ \w+/, name);
  }
});
