import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { textDifference } from "./text-difference.ts";

test("a character more is that character", () => {
  assert.deepEqual(textDifference("ab", "abc"), { erased: 0, added: ["c"] });
});

test("a character less is one erased", () => {
  assert.deepEqual(textDifference("abc", "ab"), { erased: 1, added: [] });
});

test("a word that was corrected is erased up to where it differs, and typed from there", () => {
  assert.deepEqual(textDifference("say teh", "say the"), { erased: 2, added: ["h", "e"] });
});

test("a character of two code units is one", () => {
  assert.deepEqual(textDifference("a😀", "a😁b"), { erased: 1, added: ["😁", "b"] });
});

test("erasing and adding what the difference says gives the later text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (before, after) => {
      const { erased, added } = textDifference(before, after);

      const kept = [...before].slice(0, [...before].length - erased);
      assert.equal([...kept, ...added].join(""), after);
    }),
  );
});
