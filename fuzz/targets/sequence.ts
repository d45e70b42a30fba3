import assert from "node:assert/strict";
import { concat } from "#base/bytes.ts";
import { type Sequence, SequenceDriver } from "#base/sequence.ts";
import type { Cut } from "../target.ts";
import { outcome, told } from "./told.ts";

const limits = {
  /** Steps for nothing: a sequence that goes on without being told anything has to end by itself. */
  idleSteps: 64,
} as const;

/** Runs a sequence on what was said: what it returned or threw, what it said itself, and what it left. */
export function converse(
  input: Uint8Array,
  cut: Cut,
  start: (send: (bytes: Uint8Array) => void) => Sequence<unknown>,
): string {
  const sent: Uint8Array[] = [];
  const ending = outcome(() => {
    const driver = new SequenceDriver(
      bounded(
        start((bytes) => void sent.push(bytes)),
        input.length,
      ),
    );
    const rest: Uint8Array[] = [];
    for (const piece of cut(input)) {
      if (driver.done) rest.push(piece);
      else driver.push(piece);
    }
    return driver.done
      ? { result: driver.result, rest: concat([driver.rest, ...rest]) }
      : { waits: driver.rest.length };
  });
  return `${ending}, after ${told(concat(sent))}`;
}

/** INVARIANT: each step takes something, but for a few; so a sequence takes no longer than what it is told. */
function* bounded<Result>(sequence: Sequence<Result>, bytes: number): Sequence<Result> {
  let steps = 0;
  for (let step = sequence.next(); ; ) {
    if (step.done === true) return step.value;
    steps += 1;
    assert.ok(steps <= bytes + limits.idleSteps, "it goes on without being told anything");
    step = sequence.next(yield step.value);
  }
}
