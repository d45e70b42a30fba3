import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { getHeapStatistics } from "node:v8";
import { attempt } from "./attempt.ts";
import { readCorpus } from "./corpus.ts";
import { Coverage } from "./coverage.ts";
import { mutate } from "./mutate.ts";
import { ProgressWriter } from "./progress.ts";
import { Random } from "./random.ts";
import type { Finding, Order, Report } from "./run.ts";
import type { Target } from "./target.ts";

const limits = {
  /** Inputs between two looks at what ran and what is held. */
  batch: 256,
  /** Inputs that are kept to be changed further; beyond it one goes for each that comes. */
  pool: 1_024,
  /** More than at the beginning, with what is garbage left out: the pool is small beside it. */
  heldBytes: 64 * 1024 * 1024,
  /** At what is held, until it counts as held. */
  looks: 20,
} as const;

const [order]: [Order] = (await once(process, "message")) as [Order];
const { TARGETS }: { readonly TARGETS: readonly Target[] } = await import(order.module);
const target = TARGETS.find(({ name }) => name === order.target);
if (target === undefined) throw new Error(`no target ${order.target}`);
const progress = new ProgressWriter(order.progress);
const random = new Random(order.seed);
const pool: Uint8Array[] = readCorpus(target.name).map(({ bytes }) => bytes);
const coverage = new Coverage();
await report(await run(target));

async function run(under: Target): Promise<Report> {
  const startedAt = performance.now();
  const so = () => ({ inputs, pool: pool.length, blocks: coverage.blocks });
  let inputs = 0;
  const base = await held();
  const recorded = pool.length;
  for (const input of [...pool]) {
    const finding = await tried(under, input);
    if (finding !== undefined) return { ...so(), finding };
  }
  coverage.takeNew();
  while (inputs < order.inputs && performance.now() - startedAt < order.seconds * 1000) {
    const batch: Uint8Array[] = [];
    for (let each = 0; each < limits.batch; each += 1) batch.push(next(under));
    for (const input of batch) {
      inputs += 1;
      const finding = await tried(under, input);
      if (finding !== undefined) return { ...so(), finding };
    }
    const found = coverage.takeNew();
    // Of the last batch nothing is changed further.
    if (found.size > 0 && inputs < order.inputs) await keepNew(under, { batch, found, recorded });
    const grown = (await held(base + limits.heldBytes)) - base;
    if (grown > limits.heldBytes)
      return {
        ...so(),
        finding: { what: `growth: ${grown} bytes are held`, input: batch.at(-1) ?? new Uint8Array(0) },
      };
  }
  return so();
}

function next(under: Target): Uint8Array {
  const one = () => pool[random.below(pool.length)] ?? new Uint8Array(0);
  const { words, maxBytes } = under;
  return mutate(one(), { random, other: one(), words, maxBytes });
}

async function tried(under: Target, input: Uint8Array): Promise<Finding | undefined> {
  progress.begin(input);
  const what = await attempt(under, input, random);
  return what === undefined ? undefined : { what, input };
}

/** Of a batch that reached something new: each input that gets there, found by running them once more, one by one. */
async function keepNew(
  under: Target,
  {
    batch,
    found,
    recorded,
  }: { readonly batch: readonly Uint8Array[]; readonly found: Set<string>; readonly recorded: number },
): Promise<void> {
  for (const input of batch) {
    if (found.size === 0) return;
    await under.run(input, (bytes) => [bytes]);
    const reached = [...coverage.take()].filter((block) => found.delete(block));
    if (reached.length === 0) continue;
    if (pool.length < limits.pool) pool.push(input);
    else pool[recorded + random.below(pool.length - recorded)] = input;
  }
}

/** Bytes that somebody holds on to, buffers included. V8 gives back the buffers of what is garbage a little later. */
async function held(most = 0): Promise<number> {
  for (let looks = 0; ; looks += 1) {
    globalThis.gc?.();
    const { used_heap_size: heap, external_memory: buffers } = getHeapStatistics();
    if (heap + buffers <= most || looks === limits.looks) return heap + buffers;
    await turn();
  }
}

/** Ends the process too, with which nobody has more to say. */
async function report(told: Report): Promise<void> {
  await new Promise((sent) => process.send?.(told, sent));
  process.disconnect();
}
