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
  "nor is one that another one breaks off": ["\xe2\xc3", "\xc3"],
  "a title that begins with one control of C1 is": ["a\xc2\x9d0;web", "\xc2\x9d0;web"],
  "and not, where it ends with one": ["\xc2\x9d0;web\xc2\x9cx", ""],
  "half of such a control is kept with it": ["\x1b]0;web\xc2", "\x1b]0;web\xc2"],
  "a colour behind one is": ["a\xc2\x9b1;3", "\xc2\x9b1;3"],
  "a letter with the same first byte is none": ["\x1b]0;\xc2\xa3", "\x1b]0;\xc2\xa3"],
  "a control of C1 breaks off what is under way": ["\x1b[1\xc2\x9d0;web", "\xc2\x9d0;web"],
  "a bell ends no string but a command": ["\x1bPq\x07x", "\x1bPq\x07x"],
  "a string that something else breaks off is over": ["\x1b]0;web\x1b[1", "\x1b[1"],
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

test("what breaks off a string that goes on and on is not taken for a part of it", () => {
  const unfinished = new Unfinished();

  unfinished.push(Buffer.from(`\x1b]52;c;${"A".repeat(1_000)}\x1b`));
  assert.equal(Buffer.from(unfinished.bytes).toString("latin1"), "\x1b");
  unfinished.push(Buffer.from("[1;3"));

  assert.equal(Buffer.from(unfinished.bytes).toString("latin1"), "\x1b[1;3");
});
