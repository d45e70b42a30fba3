/**
 * What `npm test` runs: the static checks, then the units in two processes, control's and all others, and beside them each
 * test with real peers and browsers in a process of its own. `npm test -- PATH…` runs only the test files below those paths;
 * `npm run test:slow` adds the `*.slow.test.ts`.
 */
import { globSync } from "node:fs";
import { relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Report } from "./runner/report.ts";
import { type Limits, type Result, runFiles, runScript } from "./runner/supervise.ts";

const STATIC_CHECKS = ["lint", "types", "unused"] as const;
const UNITS = ["src/**/*.test.{ts,tsx}", "test/*.test.ts"];
const WHOLE = ["test/{peers,fleet,web,deploy}/**/*.test.ts"];

/** Peers and browsers are processes too: two of these fill two cores, and so do the halves of the units. */
const runsAtOnce = 2;

const minutes = 60_000;
const limits = {
  unit: { testMs: 2 * minutes, workerMs: 10 * minutes },
  whole: { testMs: 4 * minutes, workerMs: 12 * minutes },
  slow: { testMs: 10 * minutes, workerMs: 15 * minutes },
} satisfies Record<string, Limits>;

const { values, positionals } = parseArgs({ options: { slow: { type: "boolean" } }, allowPositionals: true });
process.chdir(resolve(import.meta.dirname, ".."));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stoppedBy(signal));
process.exit(await main());

async function main(): Promise<number> {
  const units = chosen(UNITS);
  const whole = chosen(WHOLE).sort((a, b) => Number(isSlow(a)) - Number(isSlow(b)));
  if (units.length + whole.length === 0) {
    process.stderr.write(`No test file lies below ${positionals.join(", ")}\n`);
    return 2;
  }

  const report = new Report();
  if (positionals.length === 0) {
    for (const name of STATIC_CHECKS) report.add(await runScript(name, limits.unit));
  }
  const halves = [units.filter(isOfControl), units.filter((file) => !isOfControl(file))];
  const runs = halves
    .filter(({ length }) => length > 0)
    .map((files) => async () => report.add(await runFiles(files, limits.unit)));
  runs.push(...whole.map((file) => async () => report.add(await runWhole(file))));
  await inTurn(runs);
  report.finish();
  return report.failed ? 1 : 0;
}

/** Every worker ends with this process. */
function stoppedBy(signal: NodeJS.Signals): never {
  process.stderr.write(`Stopped by ${signal}, before every test had run.\n`);
  process.exit(1);
}

/** The files that match, without the slow ones unless they are asked for, below the paths that were given. */
function chosen(patterns: readonly string[]): string[] {
  const wanted = positionals.map((path) =>
    relative(process.cwd(), resolve(process.env["INIT_CWD"] ?? ".", path)),
  );
  return globSync([...patterns])
    .filter((file) => values.slow === true || !isSlow(file))
    .filter(
      (file) => wanted.length === 0 || wanted.some((path) => file === path || file.startsWith(`${path}/`)),
    )
    .sort();
}

/** About half of the time that units take. */
function isOfControl(file: string): boolean {
  return file.startsWith("src/control/");
}

function isSlow(file: string): boolean {
  return file.endsWith(".slow.test.ts");
}

async function runWhole(file: string): Promise<Result> {
  return await runFiles([file], isSlow(file) ? limits.slow : limits.whole);
}

async function inTurn(runs: readonly (() => Promise<void>)[]): Promise<void> {
  const waiting = [...runs];
  const lane = async () => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) await run();
  };
  await Promise.all(Array.from({ length: runsAtOnce }, lane));
}
