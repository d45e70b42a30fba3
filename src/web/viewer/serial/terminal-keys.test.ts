import assert from "node:assert/strict";
import { test } from "node:test";
import { FUNCTION_KEY_NUMBERS, functionKey, keyText } from "./terminal-keys.ts";

test("arrows write what the program asked for", () => {
  assert.equal(keyText("up", false), "\x1b[A");
  assert.equal(keyText("up", true), "\x1bOA");
  assert.equal(keyText("escape", true), "\x1b");
  assert.equal(keyText("interrupt", true), "\x03");
});

test("F1 to F12 write what terminals write, which leaves out two numbers", () => {
  assert.equal(FUNCTION_KEY_NUMBERS.length, 12);
  assert.deepEqual([1, 4, 5, 6, 11, 12].map(functionKey), [
    "\x1bOP",
    "\x1bOS",
    "\x1b[15~",
    "\x1b[17~",
    "\x1b[23~",
    "\x1b[24~",
  ]);
});
