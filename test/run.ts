/**
 * What `npm test` runs: the static checks, then the units in a few processes, and beside them each test
 * with real peers and browsers in a process of its own. `npm test -- PATH…` runs only the test files below those paths;
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

/** How many of the files with peers or browsers share a process, one behind the other: to load the harness takes as long as many a test. */
const filesTogether: Readonly<Record<string, number>> = { "test/web": 4, "test/peers": 3, "test/fleet": 3 };

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
  runs.push(...together(whole).map((files) => async () => report.add(await runWhole(files))));
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

/** In the same order: the files that share a process stand where the last of them stood. */
function together(files: readonly string[]): string[][] {
  const groups: string[][] = [];
  const open = new Map<string, string[]>();
  for (const file of files) {
    const folder = dirname(file);
    const mayShare = !isSlow(file) && !LONGEST.includes(file);
    const group = mayShare ? [...(open.get(folder) ?? []), file] : [file];
    if (mayShare) open.set(folder, group);
    if (mayShare && group.length < (filesTogether[folder] ?? 1)) continue;
    groups.push(group);
    if (mayShare) open.delete(folder);
  }
  return [...groups, ...open.values()];
}

async function runWhole(files: readonly string[]): Promise<Result> {
  const { testMs, workerMs } = files.some(isSlow) ? limits.slow : limits.whole;
  return await runFiles(files, { testMs, workerMs: workerMs * files.length });
}

async function inTurn(runs: readonly (() => Promise<void>)[]): Promise<void> {
  const waiting = [...runs];
  const lane = async () => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) await run();
  };
  await Promise.all(Array.from({ length: runsAtOnce }, lane));
}
