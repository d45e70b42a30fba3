import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { planTyping, strokeOf } from "./us-layout.ts";

const PRINTABLE = Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCharCode(0x20 + index));

test("every printable ASCII character has a key, and its keysym is its own code", () => {
  for (const character of PRINTABLE)
    assert.equal(strokeOf(character)?.keysym, character.charCodeAt(0), character);
});

test("no two characters share a key with the same Shift", () => {
  const places = PRINTABLE.map((character) => {
    const stroke = strokeOf(character);
    return `${stroke?.code} ${stroke?.shift}`;
  });

  assert.equal(new Set(places).size, PRINTABLE.length);
});

test("capitals and the upper characters of keys need Shift", () => {
  for (const [plain, shifted, code] of [
    ["a", "A", "KeyA"],
    ["z", "Z", "KeyZ"],
    ["2", "@", "Digit2"],
    ["/", "?", "Slash"],
    ["\\", "|", "Backslash"],
    ["'", '"', "Quote"],
  ] as const) {
    assert.deepEqual(strokeOf(plain), { keysym: plain.charCodeAt(0), code, shift: false });
    assert.deepEqual(strokeOf(shifted), { keysym: shifted.charCodeAt(0), code, shift: true });
  }
});

test("line ends of every kind are one Enter each, and a tab is a tab", () => {
  const codes = planTyping("a\nb\r\nc\rd\te").strokes.map((stroke) => stroke.code);

  assert.deepEqual(codes, ["KeyA", "Enter", "KeyB", "Enter", "KeyC", "Enter", "KeyD", "Tab", "KeyE"]);
});

test("characters that no key types are named once each, whole, and the others are still planned", () => {
  const { strokes, missing } = planTyping("ä€x😀ä\u0007");

  assert.deepEqual(missing, ["ä", "€", "😀", "\u0007"]);
  assert.deepEqual(
    strokes.map((stroke) => stroke.code),
    ["KeyX"],
  );
});

test("a text of characters that have keys is typed completely, one stroke each", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PRINTABLE, "\n", "\t")), (characters) => {
      const { strokes, missing } = planTyping(characters.join(""));

      assert.equal(strokes.length, characters.length);
      assert.deepEqual(missing, []);
    }),
  );
});
