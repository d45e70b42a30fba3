import assert from "node:assert/strict";
import { test } from "node:test";
import { typeStrokes, typingLimits, waitOrAbort } from "./typing.ts";
import { planTyping, type Stroke } from "./us-layout.ts";

test("keys are pressed one by one, with a longer rest after each line", async () => {
  const events: (string | number)[] = [];

  const typed = await typeStrokes(planTyping("a\nb").strokes, {
    press: (stroke) => events.push(stroke.code),
    wait: async (ms) => {
      events.push(ms);
    },
    onProgress: () => {},
    signal: new AbortController().signal,
  });

  assert.equal(typed, 3);
  const { keyMs, lineMs } = typingLimits;
  assert.deepEqual(events, ["KeyA", keyMs, "Enter", lineMs, "KeyB", keyMs]);
});

test("after a cancel not one more key is pressed, and the count says how many were", async () => {
  const controller = new AbortController();
  const pressed: Stroke[] = [];
  const progress: number[] = [];

  const typed = await typeStrokes(planTyping("abcdef").strokes, {
    press: (stroke) => pressed.push(stroke),
    wait: async () => {
      if (pressed.length === 2) controller.abort();
    },
    onProgress: (count) => progress.push(count),
    signal: controller.signal,
  });

  assert.equal(typed, 2);
  assert.equal(pressed.length, 2);
  assert.deepEqual(progress, [1, 2]);
});

test("a cancel ends the rest between two keys at once", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const controller = new AbortController();
  const rest = waitOrAbort(controller.signal)(60_000);

  controller.abort();

  await rest;
  await waitOrAbort(controller.signal)(60_000);
});
