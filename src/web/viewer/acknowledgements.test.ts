import assert from "node:assert/strict";
import { test } from "node:test";
import { viewerLimits } from "#wire/viewer.ts";
import { Acknowledgements } from "./acknowledgements.ts";

const STEP = viewerLimits.acknowledgeEveryBytes;

function collect(): { readonly told: number[]; readonly acknowledgements: Acknowledgements } {
  const told: number[] = [];
  return { told, acknowledgements: new Acknowledgements(STEP, (bytes) => told.push(bytes)) };
}

test("nothing is told before a step is full, and then the running total", () => {
  const { told, acknowledgements } = collect();

  acknowledgements.delivered(STEP - 1);
  acknowledgements.settle(0);
  assert.deepEqual(told, []);

  acknowledgements.delivered(1);
  acknowledgements.settle(0);
  acknowledgements.delivered(STEP + 5);
  acknowledgements.settle(0);
  assert.deepEqual(told, [STEP, 2 * STEP + 5]);
});

test("bytes that the screen holds back are not told until it has read them", () => {
  const { told, acknowledgements } = collect();

  acknowledgements.delivered(3 * STEP);
  acknowledgements.settle(2 * STEP + 1);
  assert.deepEqual(told, []);

  acknowledgements.settle(STEP);
  acknowledgements.settle(0);
  assert.deepEqual(told, [2 * STEP, 3 * STEP]);
});

test("the total never falls, though bytes that counted are held back later", () => {
  const { told, acknowledgements } = collect();

  acknowledgements.delivered(2 * STEP);
  acknowledgements.settle(0);
  acknowledgements.delivered(STEP);
  acknowledgements.settle(2 * STEP);
  acknowledgements.settle(0);

  assert.deepEqual(told, [2 * STEP, 3 * STEP]);
});
