import assert from "node:assert/strict";
import { test } from "node:test";
import { TerminalText } from "./terminal-text.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

test("text passes as it is, wherever it is cut", () => {
  const text = new TerminalText();

  const bytes = utf8("naïve e\u0301\u0323 \u{1f600}\x1b[1m한국 ");
  const pieces = Array.from(bytes, (_, index) => text.decode(bytes.subarray(index, index + 1)));

  assert.equal(pieces.join(""), "naïve e\u0301\u0323 \u{1f600}\x1b[1m한국 ");
});

for (const [name, mark] of [
  ["a combining accent", "\u0301"],
  ["a zero-width joiner", "\u200d"],
  ["a final jamo", "\u11a8"],
  ["what only xterm.js joins", "\u06de"],
] as const)
  test(`a million times ${name} on one character is no more than four, in however many pieces`, () => {
    const text = new TerminalText();
    const piece = utf8(mark.repeat(100_000));

    const whole = text.decode(utf8("a"));
    const bounded = Array.from({ length: 10 }, () => text.decode(piece)).join("");

    assert.equal(whole + bounded, `a${mark.repeat(4)}`);
    assert.equal(text.decode(utf8(`b${mark}`)), `b${mark}`, "the next character has its own");
  });

test("what is no UTF-8 is shown to be that, and what follows is read", () => {
  assert.equal(new TerminalText().decode(Uint8Array.of(0xff, 0x41, 0xc3, 0x28)), "\ufffdA\ufffd(");
});
