import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { fuzzAndKeep } from "../run.ts";

/** For how long each target is tried, in seconds. */
const seconds = Number(process.env["FUZZ_SECONDS"] ?? 600);

/** The test of one target. Each has a file of its own, so that the runner has two of them run beside each other. */
export function fuzzSlowly(target: string): (context: TestContext) => Promise<void> {
  return async (context) => {
    const seed = Date.now() % 2 ** 32;

    const report = await fuzzAndKeep({ target, seconds, inputs: Number.POSITIVE_INFINITY, seed });

    assert.equal(report.told, undefined, `seed ${seed}`);
    context.diagnostic(`${report.inputs} inputs, ${report.blocks} blocks of code`);
  };
}
