import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { signal } from "@preact/signals";
import { BarFold, foldLimits } from "./bar-fold.ts";

function fold(context: TestContext) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const mayFold = signal(true);
  const menusOpen = signal(0);
  return {
    bar: new BarFold({ mayFold, menusOpen }),
    mayFold,
    menusOpen,
    tick: (ms: number) => context.mock.timers.tick(ms),
  };
}

test("the bar folds when the pointer stays in the picture", (context) => {
  const { bar, tick } = fold(context);

  bar.pointer("picture");
  tick(foldLimits.leaveMs - 1);
  assert.equal(bar.shown.value, true);

  tick(1);
  assert.equal(bar.shown.value, false);
});

test("a pointer that returns in time finds the bar", (context) => {
  const { bar, tick } = fold(context);

  bar.pointer("picture");
  tick(foldLimits.leaveMs - 1);
  bar.pointer("bar");
  tick(foldLimits.leaveMs);

  assert.equal(bar.shown.value, true);
});

test("it comes back for a pointer that rests at the edge, not for one that brushes it", (context) => {
  const { bar, tick } = fold(context);
  bar.set(false);

  bar.pointer("edge");
  tick(foldLimits.edgeMs - 1);
  bar.pointer("picture");
  tick(foldLimits.edgeMs);
  assert.equal(bar.shown.value, false);

  bar.pointer("edge");
  tick(foldLimits.edgeMs);
  assert.equal(bar.shown.value, true);
});

test("it never folds while the keyboard is in it or a menu hangs from it", (context) => {
  const { bar, menusOpen, tick } = fold(context);
  bar.focus(true);
  bar.pointer("picture");
  tick(foldLimits.leaveMs);
  assert.equal(bar.shown.value, true);

  bar.focus(false);
  menusOpen.value = 1;
  tick(foldLimits.leaveMs);
  assert.equal(bar.shown.value, true);

  menusOpen.value = 0;
  assert.equal(bar.shown.value, false);
});

test("without a live picture it stands, whatever was folded before", (context) => {
  const { bar, mayFold } = fold(context);
  bar.set(false);

  mayFold.value = false;

  assert.equal(bar.shown.value, true);
});

test("over a picture that has just come it stands for a while, and folds with no pointer in sight", (context) => {
  const { bar, mayFold, tick } = fold(context);
  mayFold.value = false;
  tick(foldLimits.introductionMs);

  mayFold.value = true;
  tick(foldLimits.introductionMs - 1);
  assert.equal(bar.shown.value, true);

  tick(1);
  assert.equal(bar.shown.value, false);
});

test("it stays for a pointer that has come to it meanwhile, and for the keyboard", (context) => {
  const { bar, mayFold, tick } = fold(context);
  bar.pointer("bar");
  tick(foldLimits.introductionMs);
  assert.equal(bar.shown.value, true);

  mayFold.value = false;
  bar.pointer("picture");
  bar.focus(true);
  mayFold.value = true;
  tick(foldLimits.introductionMs);
  assert.equal(bar.shown.value, true);
});
