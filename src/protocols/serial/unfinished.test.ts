import assert from "node:assert/strict";
import { test } from "node:test";
import { Unfinished } from "./unfinished.ts";

const CASES: Readonly<Record<string, readonly [string, string]>> = {
  "text has nothing": ["login: ", ""],
  "part of a colour is": ["a\x1b[1;3", "\x1b[1;3"],
  "a whole colour is not": ["a\x1b[1;31m", ""],
  "part of a character is": ["\xc3\xa4\xe2\x82", "\xe2\x82"],
  "a whole character is not": ["\xf0\x9f\x98\x80", ""],
  "a title without an end is": ["\x1b]0;web", "\x1b]0;web"],
  "a title with an end is not": ["\x1b]0;web\x07x", ""],
  "nor one that ends in two characters": ["\x1b]0;web\x1b\\x", ""],
  "half of such an end is kept with it": ["\x1b]0;web\x1b", "\x1b]0;web\x1b"],
  "an escape in the middle begins anew": ["\x1b[12\x1b[3", "\x1b[3"],
  "what is cancelled is over": ["\x1b[12\x18", ""],
  "a character set that is not named yet is": ["\x1b(", "\x1b("],
  "a line end within a sequence does not end it": ["\x1b[1\n", "\x1b[1\n"],
  "what is no character of UTF-8 is nothing": ["\xff\x80\xc0", ""],
  "a character that is broken off is over": ["\xe2a", ""],
};

for (const [title, [output, expected]] of Object.entries(CASES))
  test(`of what stands at the end of a terminal's output ${title}`, () => {
    const unfinished = new Unfinished();

    for (const byte of Buffer.from(output, "latin1")) unfinished.push(Uint8Array.of(byte));

    assert.equal(Buffer.from(unfinished.bytes).toString("latin1"), expected);
  });

test("of a string that goes on and on the beginning is kept", () => {
  const unfinished = new Unfinished();

  unfinished.push(Buffer.from(`\x1b]52;c;${"A".repeat(1_000_000)}`));

  assert.equal(unfinished.bytes.length, 256);
  assert.ok(Buffer.from(unfinished.bytes).toString("latin1").startsWith("\x1b]52;c;AAA"));
});
