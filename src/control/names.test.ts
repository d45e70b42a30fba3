import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanName, nameKey } from "./names.ts";

test("names that look alike become alike", () => {
  assert.equal(cleanName("  web 1 "), "web 1");
  assert.equal(cleanName("Mu\u0308nchen"), "M\u00fcnchen");
});

for (const name of ["", "   ", "a\0b", "a\nb", "a\u202eb", "a\u2028b", "\ud800", "x".repeat(129)]) {
  test(`${JSON.stringify(name.slice(0, 10))} is no name`, () => {
    assert.throws(() => cleanName(name), { code: "request_invalid" });
  });
}

test("a name may have 128 characters of any script", () => {
  assert.equal([...cleanName("😀".repeat(128))].length, 128);
});

test("names are sorted and searched without regard to case or width", () => {
  assert.equal(nameKey("Ｗeb-ÄÖ"), "web-äö");
});
