import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { attempt } from "./attempt.ts";
import { readCorpus } from "./corpus.ts";
import { Random } from "./random.ts";
import { fuzz, fuzzAndKeep } from "./run.ts";
import type { Target } from "./target.ts";
import { TARGETS } from "./targets.ts";

/** Of each target, beside its corpus: enough to see that it can be fuzzed, and to meet again what is easily met. */
const INPUTS = 256;
const SEED = 1;

for (const target of TARGETS) {
  const { name } = target;

  test(`${name} bears what was recorded, what once broke it, and some of what nobody said`, async () => {
    const report = await fuzzAndKeep({
      target: name,
      seed: SEED,
      inputs: INPUTS,
      seconds: Number.POSITIVE_INFINITY,
    });

    assert.equal(report.told, undefined);
    assert.ok(report.inputs >= INPUTS);
  });

  test(`${name} has what real servers say, and is tried for longer by test:slow`, () => {
    assert.ok(readCorpus(name).some((each) => /^(recorded|documented)-/.test(each.name)));
    assert.ok(existsSync(join(import.meta.dirname, "slow", `${name}.slow.test.ts`)));
  });
}

describe("a parser is found out", () => {
  const tried = (run: Target["run"]) =>
    attempt({ name: "broken", words: [], maxBytes: 100, run }, new Uint8Array(64), new Random(SEED));

  test("that breaks", async () => {
    const finding = await tried(() => {
      throw new TypeError("undefined is not a function");
    });

    assert.match(finding ?? "", /^crash: TypeError/);
  });

  test("that takes a piece for the whole", async () => {
    const finding = await tried((input, cut) => {
      const [first] = cut(input);
      return `${first?.length}`;
    });

    assert.match(finding ?? "", /^difference: whole 64; in pieces /);
  });

  test("that makes much of little", async () => {
    const kept: Uint8Array[] = [];
    const finding = await tried(() => `${kept.push(new Uint8Array(64 * 1024 * 1024)) > 0}`);

    assert.match(finding ?? "", /^growth/);
  });

  const module = new URL("broken-targets.ts", import.meta.url).href;
  const order = { seed: SEED, inputs: 10_000, seconds: Number.POSITIVE_INFINITY };

  test("that hangs, with what it hangs at", async () => {
    const { finding } = await fuzz({ ...order, target: "hangs" }, { module, inputMs: 2_000 });

    assert.match(finding?.what ?? "", /^hang/);
    assert.ok(finding !== undefined && finding.input.length <= 64);
  });

  test("that takes all memory", async () => {
    const { finding } = await fuzz({ ...order, target: "takes-all" }, { module, heapMegabytes: 64 });

    assert.match(finding?.what ?? "", /^crash: .*SIGABRT/);
    assert.match(finding?.what ?? "", /heap out of memory/);
  });

  test("that holds on to what it was told", async () => {
    const { finding } = await fuzz({ ...order, target: "holds" }, { module });

    assert.match(finding?.what ?? "", /^growth: \d+ bytes are held/);
  });
});
