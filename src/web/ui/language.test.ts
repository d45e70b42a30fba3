import assert from "node:assert/strict";
import { test } from "node:test";
import { pickLanguage } from "./language.ts";

test("the first wanted language that is known is taken, whatever its region", () => {
  assert.equal(pickLanguage([undefined, "fr-FR", "de-AT", "en"]), "de");
  assert.equal(pickLanguage(["EN-gb", "de"]), "en");
});

test("where no wanted language is known, it is English", () => {
  assert.equal(pickLanguage([]), "en");
  assert.equal(pickLanguage(["fr", "ja-JP"]), "en");
});
