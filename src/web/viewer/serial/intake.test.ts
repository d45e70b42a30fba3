import assert from "node:assert/strict";
import { test } from "node:test";
import { Intake, intakeLimits } from "./intake.ts";

const SLICE = intakeLimits.sliceBytes;

/** An intake whose turns a test gives, each read of which takes so many milliseconds. */
function intake(readMs = 0) {
  const read: (number | string)[] = [];
  const turns: (() => void)[] = [];
  let clock = 0;
  return {
    read,
    turn: () => turns.shift()?.(),
    turnsAsked: () => turns.length,
    intake: new Intake({
      read: (bytes) => {
        clock += readMs;
        read.push(bytes.byteLength);
      },
      later: (run) => turns.push(run),
      now: () => clock,
    }),
  };
}

test("bytes are read in slices, and steps have their place between them", () => {
  const { intake: line, read, turn } = intake();

  line.take(new Uint8Array(SLICE + 1));
  line.step(() => read.push("step"));
  line.take(new Uint8Array(2));
  assert.deepEqual(read, [], "not before the page has had its turn");
  turn();

  assert.deepEqual(read, [SLICE, 1, "step", 2]);
  assert.equal(line.bytes, 0);
});

test("a turn ends when its time is up, and what is left waits for the next one", () => {
  const { intake: line, read, turn, turnsAsked } = intake(intakeLimits.turnMs);

  line.take(new Uint8Array(2 * SLICE));
  turn();

  assert.deepEqual(read, [SLICE]);
  assert.equal(line.bytes, SLICE);
  assert.equal(turnsAsked(), 1);
  turn();
  assert.equal(line.bytes, 0);
  assert.equal(turnsAsked(), 0, "nothing is left to be taken");
});

test("who waits for progress is told after each turn", async () => {
  const { intake: line, turn } = intake(intakeLimits.turnMs);
  line.take(new Uint8Array(2 * SLICE));

  const progress = line.progress();
  turn();
  await progress;

  assert.equal(line.bytes, SLICE);
});
