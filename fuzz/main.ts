/** `npm run fuzz -- TARGET --seconds N`: has one parser read what nobody said; without a target it says which there are. */
import { parseArgs } from "node:util";
import { fuzzAndKeep } from "./run.ts";
import { findTarget, TARGETS } from "./targets.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "60" },
    inputs: { type: "string", default: "Infinity" },
    seed: { type: "string", default: `${Date.now() % 2 ** 32}` },
  },
});
process.exitCode = await main(positionals);

async function main([name, ...more]: readonly string[]): Promise<number> {
  if (name === undefined || more.length > 0) {
    print(`usage: npm run fuzz -- TARGET [--seconds N] [--inputs N] [--seed N]\ntargets: ${names()}`);
    return 2;
  }
  const [seconds, inputs, seed] = [Number(values.seconds), Number(values.inputs), Number(values.seed)];
  const startedAt = performance.now();
  const { told, ...report } = await fuzzAndKeep({ target: findTarget(name).name, seconds, inputs, seed });
  const took = (performance.now() - startedAt) / 1000;
  const { blocks, pool } = report;
  print(
    `${name}: ${report.inputs} inputs in ${took.toFixed(0)} s, ${Math.round(report.inputs / took)} a second; ` +
      `${blocks} blocks of code ran, ${pool} inputs are kept for what they reach; seed ${seed}`,
  );
  if (told === undefined) return 0;
  print(told);
  return 1;
}

function names(): string {
  return TARGETS.map((target) => target.name).join(", ");
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
