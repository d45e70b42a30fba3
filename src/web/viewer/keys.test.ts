import assert from "node:assert/strict";
import { test } from "node:test";
import { CHORDS, consoleChord, functionKey, type SendKey, sendCharacter, sendChord } from "./keys.ts";

function record(): { readonly sent: string[]; readonly send: SendKey } {
  const sent: string[] = [];
  return {
    sent,
    send: ({ keysym, code }, down) => sent.push(`${down ? "+" : "-"}${code || keysym.toString(16)}`),
  };
}

test("a chord is released in the opposite order", () => {
  const { sent, send } = record();

  sendChord(CHORDS.controlAltDelete, send);

  assert.deepEqual(sent, ["+ControlLeft", "+AltLeft", "+Delete", "-Delete", "-AltLeft", "-ControlLeft"]);
});

test("the function keys are twelve neighbours", () => {
  assert.deepEqual(functionKey(1), { keysym: 0xffbe, code: "F1" });
  assert.deepEqual(functionKey(12), { keysym: 0xffc9, code: "F12" });
  assert.deepEqual(consoleChord(7).at(-1), functionKey(7));
});

test("a capital is typed with Shift as a key of its own", () => {
  const { sent, send } = record();

  sendCharacter("Z", send);

  assert.deepEqual(sent, ["+ShiftLeft", "+KeyZ", "-KeyZ", "-ShiftLeft"]);
});

test("where Shift is held already it is neither pressed nor released", () => {
  const { sent, send } = record();

  sendCharacter("Z", send, true);

  assert.deepEqual(sent, ["+KeyZ", "-KeyZ"]);
});

test("a character without a key travels as its keysym: Latin-1 as it is, others as Unicode", () => {
  const { sent, send } = record();

  sendCharacter("ä", send);
  sendCharacter("€", send);

  assert.deepEqual(sent, ["+e4", "-e4", "+10020ac", "-10020ac"]);
});
