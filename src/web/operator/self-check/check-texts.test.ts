import assert from "node:assert/strict";
import { test } from "node:test";
import { GERMAN } from "../strings-de.ts";
import { ENGLISH } from "../strings-en.ts";

test("one warning is one, in both languages", () => {
  assert.equal(ENGLISH.checked("0", "1", "9"), "0 failed, 1 warning, 9 ok");
  assert.equal(ENGLISH.checked("1", "2", "9"), "1 failed, 2 warnings, 9 ok");
  assert.equal(GERMAN.checked("0", "1", "9"), "0 Fehler, 1 Warnung, 9 in Ordnung");
});
