import assert from "node:assert/strict";
import { test } from "node:test";
import { plainText, type ReadBuffer } from "./plain-text.ts";

function buffer(...lines: (readonly [text: string, isWrapped?: boolean])[]): ReadBuffer {
  return {
    length: lines.length,
    getLine: (index) => {
      const line = lines[index];
      if (line === undefined) return undefined;
      const [text, isWrapped = false] = line;
      return {
        isWrapped,
        translateToString: (trimRight) => (trimRight ? text.trimEnd() : text),
      };
    },
  };
}

test("lines that were wrapped are whole again, with the blanks between", () => {
  assert.equal(plainText(buffer(["one tw"], ["o "], ["a b "], ["c   ", true])), "one tw\no\na b c\n");
});

test("blanks at the end of a line and empty lines at the end are left out", () => {
  assert.equal(plainText(buffer(["one   "], [""], ["two"], [""], [" "])), "one\n\ntwo\n");
  assert.equal(plainText(buffer([""], [""])), "");
});
