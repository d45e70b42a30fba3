import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startProcess } from "../harness/process.ts";
import { scratch } from "../harness/scratch.ts";

const MAIN = new URL("../../bench/main.ts", import.meta.url).pathname;

/** What is always there; websockify, haproxy and nova-consoleproxy are measured where they are installed. */
const OUR_OWN: Readonly<Record<number, readonly string[]>> = {
  1: ["Porthole", "bare relay", "direct"],
  2: ["Porthole", "bare relay"],
  3: ["Porthole", "bare relay"],
  4: ["Porthole", "featureless"],
  5: ["Porthole", "featureless"],
  6: ["Porthole", "Porthole, forwarded", "direct"],
  7: ["Porthole", "bare update, SQLite"],
  9: ["Porthole", "bare UDP"],
  10: ["Porthole, TLS", "bare relay, TLS"],
  11: ["Porthole, TLS", "bare relay, TLS"],
};

interface Results {
  readonly rows: readonly {
    readonly number: number;
    readonly title: string;
    readonly rounds: readonly Readonly<Record<string, Readonly<Record<string, unknown>>>>[];
    readonly control?: { readonly name: string; readonly trial: Readonly<Record<string, unknown>> };
    readonly verdicts: readonly { readonly what: string }[];
  }[];
}

test("the benchmark measures every row, and every figure is a number", async () => {
  await using directory = scratch();
  await using bench = await startProcess(process.execPath, [MAIN, "--quick", "--results", directory.path]);

  const exit = await bench.exited;

  assert.equal(exit, 0, bench.stderr.text);
  const files = await readdir(directory.path);
  const json = files.find((file) => file.endsWith(".json"));
  assert.ok(json !== undefined, `there are only ${files.join(", ")}`);
  const { rows }: Results = JSON.parse(await readFile(join(directory.path, json), "utf8"));
  assert.deepEqual(
    rows.map(({ number }) => number),
    Object.keys(OUR_OWN).map(Number),
  );
  for (const row of rows) {
    const [round] = row.rounds;
    assert.ok(round !== undefined, `row ${row.number} has a round`);
    for (const name of OUR_OWN[row.number] ?? []) assert.ok(name in round, `row ${row.number} has ${name}`);
    const { name: controlName = "", trial: controlTrial = {} } = row.control ?? {};
    for (const [name, trial] of [...Object.entries(round), [controlName, controlTrial] as const]) {
      for (const [metric, value] of Object.entries(trial))
        assert.ok(Number.isFinite(value), `row ${row.number}, ${name}: ${metric} is ${value}`);
    }
    assert.ok(bench.stdout.text.includes(`## ${row.number}. ${row.title}`), `row ${row.number} is printed`);
    for (const { what } of row.verdicts) assert.ok(bench.stdout.text.includes(`| ${row.number} | ${what}`));
  }
  assert.doesNotMatch(bench.stdout.text, /NaN|Infinity|undefined/);
  assert.equal(await readFile(join(directory.path, "latest.md"), "utf8"), bench.stdout.text);
});
