import assert from "node:assert/strict";
import { test } from "node:test";
import { Keyboard } from "./keyboard.ts";

const CONTROL = 0xffe3;
const ALT = 0xffe9;
const SHIFT = 0xffe1;
const ALT_GR = 0xfe03;
const DELETE = 0xffff;

function press(...keysyms: readonly number[]) {
  const keyboard = new Keyboard();
  return keysyms.map((keysym) => keyboard.key(true, keysym)).at(-1);
}

const character = (text: string) => ({ type: "character", character: text });

for (const { name, keysyms, keystroke } of [
  { name: "a letter", keysyms: [0x61], keystroke: character("a") },
  {
    name: "a letter with shift, which the viewer has applied",
    keysyms: [SHIFT, 0x41],
    keystroke: character("A"),
  },
  { name: "a character with AltGr", keysyms: [ALT_GR, 0x40], keystroke: character("@") },
  { name: "a letter of Latin-1", keysyms: [0xe9], keystroke: character("é") },
  { name: "a Unicode keysym", keysyms: [0x0100_20ac], keystroke: character("€") },
  { name: "a digit of the keypad", keysyms: [0xffb7], keystroke: character("7") },
  { name: "the plus of the keypad", keysyms: [0xffab], keystroke: character("+") },
  { name: "Tab", keysyms: [0xff09], keystroke: character(" ") },
  { name: "Return", keysyms: [0xff0d], keystroke: { type: "enter" } },
  { name: "the keypad's Enter", keysyms: [0xff8d], keystroke: { type: "enter" } },
  { name: "Backspace", keysyms: [0xff08], keystroke: { type: "erase" } },
  { name: "Escape", keysyms: [0xff1b], keystroke: { type: "discard" } },
  { name: "Ctrl-Alt-Del", keysyms: [CONTROL, ALT, DELETE], keystroke: { type: "secure-attention" } },
  { name: "a shortcut", keysyms: [CONTROL, 0x63], keystroke: undefined },
  { name: "Delete", keysyms: [DELETE], keystroke: undefined },
  { name: "an arrow", keysyms: [0xff51], keystroke: undefined },
  { name: "a function key", keysyms: [0xffbe], keystroke: undefined },
  { name: "a Unicode control character", keysyms: [0x0100_0007], keystroke: undefined },
  { name: "a code point that Unicode does not have", keysyms: [0xffff_fffe], keystroke: undefined },
]) {
  test(`${name} types ${keystroke === undefined ? "nothing" : JSON.stringify(keystroke)}`, () => {
    assert.deepEqual(press(...keysyms), keystroke);
  });
}

test("letting go of a key types nothing", () => {
  assert.equal(new Keyboard().key(false, 0x61), undefined);
});

test("letting go of Control ends the shortcut", () => {
  const keyboard = new Keyboard();
  keyboard.key(true, CONTROL);
  keyboard.key(false, CONTROL);

  assert.deepEqual(keyboard.key(true, 0x63), character("c"));
});
