/**
 * What `npm test` runs: the static checks, then the units in a few processes, and beside them each file of tests
 * with real peers in a process of its own, and those with browsers a few to a process. `npm test -- PATH…` runs only the test files below those paths;
 * `npm run test:slow` adds the `*.slow.test.ts`.
 */
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Report } from "./runner/report.ts";
import { type Limits, type Result, runFiles, runScript } from "./runner/supervise.ts";

const STATIC_CHECKS = ["lint", "types", "unused"] as const;
const UNITS = ["src/**/*.test.{ts,tsx}", "test/*.test.ts"];
const WHOLE = ["test/{peers,fleet,web,deploy}/**/*.test.ts", "fuzz/**/*.test.ts"];

/** What these wait for is as often a time or a peer as a core: three more than there are cores keep them all busy. */
const runsAtOnce = Math.min(8, availableParallelism() + 3);

/** Those that take longest begin first, so that none goes on by itself when everything else has ended. */
const LONGEST = [
  "test/fleet/launchers.test.ts",
  "test/fleet/losing.test.ts",
  "test/fleet/entrances.test.ts",
  "test/fleet/draining.test.ts",
  "test/fleet/start.test.ts",
  "test/fleet/doctor.test.ts",
  "test/fleet/replicas.test.ts",
  "test/peers/acme.test.ts",
  "test/peers/front-proxy.test.ts",
  "test/web/appearance.test.ts",
  "test/web/self-check.test.ts",
  "test/web/serial.test.ts",
  "test/peers/upstream-claims.test.ts",
  "test/peers/migration.test.ts",
];

/** Units that share a process and a PostgreSQL. */
const unitShares = 3;

/** So many files with browsers share a process and the browser, one behind the other: to start them takes as long as many a test. */
const browserFilesTogether = 4;

const minutes = 60_000;
const limits = {
  unit: { testMs: 2 * minutes, workerMs: 20 * minutes },
  whole: { testMs: 4 * minutes, workerMs: 12 * minutes },
  slow: { testMs: 12 * minutes, workerMs: 15 * minutes },
} satisfies Record<string, Limits>;

const { values, positionals } = parseArgs({ options: { slow: { type: "boolean" } }, allowPositionals: true });
process.chdir(resolve(import.meta.dirname, ".."));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stoppedBy(signal));
process.exit(await main());

async function main(): Promise<number> {
  const units = chosen(UNITS);
  const whole = inOrder(chosen(WHOLE));
  if (units.length + whole.length === 0) {
    process.stderr.write(`No test file lies below ${positionals.join(", ")}\n`);
    return 2;
  }

  const report = new Report();
  if (positionals.length === 0) {
    for (const name of STATIC_CHECKS) report.add(await runScript(name, limits.unit));
  }
  const shares = Array.from({ length: unitShares }, (_, share) =>
    units.filter((_, index) => index % unitShares === share),
  );
  const runs = shares
    .filter(({ length }) => length > 0)
    .map((files) => async () => report.add(await runFiles(files, limits.unit)));
  runs.push(...sharing(whole).map((files) => async () => report.add(await runWhole(files))));
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

/**
 * The longest first and the slow ones last. Of the others each folder's are spread over all: those with browsers take a core, and those
 * with peers wait, so that side by side they are through sooner than one kind after the other.
 */
function inOrder(files: readonly string[]): string[] {
  const folders = Map.groupBy(files, dirname);
  const turn = (file: string): number => {
    if (isSlow(file)) return 1;
    const index = LONGEST.indexOf(file);
    if (index >= 0) return index - LONGEST.length;
    const beside = folders.get(dirname(file)) ?? [file];
    return beside.indexOf(file) / beside.length;
  };
  return files.toSorted((a, b) => turn(a) - turn(b));
}

function isSlow(file: string): boolean {
  return file.endsWith(".slow.test.ts");
}

/** In the same order: files that share a process stand where the last of them stood, and what is left of them last. */
function sharing(files: readonly string[]): string[][] {
  const groups: string[][] = [];
  let open: string[] = [];
  for (const file of files) {
    if (dirname(file) !== "test/web" || isSlow(file) || LONGEST.includes(file)) {
      groups.push([file]);
      continue;
    }
    open.push(file);
    if (open.length < browserFilesTogether) continue;
    groups.push(open);
    open = [];
  }
  return open.length === 0 ? groups : [...groups, open];
}

async function runWhole(files: readonly string[]): Promise<Result> {
  return await runFiles(files, files.some(isSlow) ? limits.slow : limits.whole);
}

async function inTurn(runs: readonly (() => Promise<void>)[]): Promise<void> {
  const waiting = [...runs];
  const lane = async () => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) await run();
  };
  await Promise.all(Array.from({ length: runsAtOnce }, lane));
}
