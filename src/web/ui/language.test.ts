import assert from "node:assert/strict";
import { test } from "node:test";
import { pickLanguage, variantOf } from "./language.ts";

test("the first wanted language that is known is taken, whatever its region", () => {
  assert.equal(pickLanguage([undefined, "fr-FR", "de-AT", "en"]), "de");
  assert.equal(pickLanguage(["EN-gb", "de"]), "en");
});

test("where no wanted language is known, it is English", () => {
  assert.equal(pickLanguage([]), "en");
  assert.equal(pickLanguage(["fr", "ja-JP"]), "en");
});

test("times are written as in the country that the browser is of, where it speaks the page's language", () => {
  assert.equal(variantOf("en", ["fr", "en-GB", "en-US"]), "en-GB");
  assert.equal(variantOf("de", ["en-GB"]), "de");
});
