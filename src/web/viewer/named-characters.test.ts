import assert from "node:assert/strict";
import { test } from "node:test";
import { namedCharacters } from "./named-characters.ts";

test("characters that can be seen are shown, others are named by their code points", () => {
  assert.equal(namedCharacters(["ä", "€", "😀"]).shown, "“ä” “€” “😀”");
  assert.equal(namedCharacters(["\u0007", "\u202e", "\u00a0"]).shown, "U+0007 U+202E U+00A0");
});

test("of many characters six are named, and the others counted", () => {
  const { shown, more } = namedCharacters([..."äöüßéèà¿"]);

  assert.equal(shown, "“ä” “ö” “ü” “ß” “é” “è”");
  assert.equal(more, 2);
});
