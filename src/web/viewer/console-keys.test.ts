import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { signal } from "@preact/signals";
import { ConsoleKeys } from "./console-keys.ts";
import type { Screen } from "./screen.ts";
import { typingLimits } from "./typing.ts";
import { planTyping } from "./us-layout.ts";

/** A screen that writes down which keys go down and up. */
function keyboard(): { readonly keys: ConsoleKeys; readonly sent: string[] } {
  const sent: string[] = [];
  const screen: Pick<Screen, "key" | "releaseKeys"> = {
    key: ({ code }, down) => sent.push(`${down ? "+" : "-"}${code}`),
    releaseKeys: () => sent.push("release"),
  };
  return { keys: new ConsoleKeys(signal(screen as Screen)), sent };
}

test("a modifier that is toggled stays down until it is toggled again", () => {
  const { keys, sent } = keyboard();

  keys.toggle("control");
  keys.toggle("alt");
  assert.deepEqual(keys.held.value, ["control", "alt"]);

  keys.toggle("control");
  assert.deepEqual(keys.held.value, ["alt"]);
  assert.deepEqual(sent, ["+ControlLeft", "+AltLeft", "-ControlLeft"]);
});

test("releasing all lets go of what buttons hold and of what the keyboard holds", () => {
  const { keys, sent } = keyboard();
  keys.toggle("shift");

  keys.releaseAll();

  assert.deepEqual(sent, ["+ShiftLeft", "-ShiftLeft", "release"]);
  assert.deepEqual(keys.held.value, []);
});

test("text is typed with Shift where it is needed, unless Shift is held already", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { keys, sent } = keyboard();

  void keys.type(planTyping("A").strokes);
  assert.deepEqual(sent, ["+ShiftLeft", "+KeyA", "-KeyA", "-ShiftLeft"]);

  keys.stop();
  sent.length = 0;
  keys.toggle("shift");
  void keys.type(planTyping("B").strokes);
  assert.deepEqual(sent, ["+ShiftLeft", "+KeyB", "-KeyB"]);
  keys.stop();
});

test("progress counts the keys, and is gone when all are typed", async (context: TestContext) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { keys } = keyboard();

  const done = keys.type(planTyping("ab").strokes);
  assert.deepEqual([keys.typing.value?.typed, keys.typing.value?.total], [1, 2]);
  for (let key = 0; key < 2; key++) {
    context.mock.timers.tick(typingLimits.keyMs);
    await Promise.resolve();
    await Promise.resolve();
  }

  assert.equal(await done, 2);
  assert.equal(keys.typing.value, undefined);
});

test("a second text takes the place of one that is being typed", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { keys } = keyboard();

  const first = keys.type(planTyping("aaaa").strokes);
  const second = keys.type(planTyping("b").strokes);

  assert.equal(await first, 1);
  assert.equal(keys.typing.value?.total, 1);
  context.mock.timers.tick(typingLimits.keyMs);
  assert.equal(await second, 1);
});

test("when the console ends nothing more is typed, and nothing counts as held", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { keys, sent } = keyboard();
  keys.toggle("super");
  const typing = keys.type(planTyping("abc").strokes);
  const before = sent.length;

  keys.stop();

  assert.equal(await typing, 1);
  assert.equal(sent.length, before);
  assert.deepEqual(keys.held.value, []);
});
