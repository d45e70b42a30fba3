/**
 * `npm run bench [-- --row N] [--contestant NAME] [--callers N] [--quick] [--results DIR]`: measures Porthole and what it is compared with, side
 * by side, in one run on this machine, and prints what came out. bench/README.md says how to read it.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CONTESTANTS, isInstalled, type Name } from "./contestants/all.ts";
import { describeMachine } from "./measure/machine.ts";
import { watchMachine } from "./measure/process-tree.ts";
import { judge, type Report, type RowReport, toMarkdown, writeReport } from "./report.ts";
import { asks } from "./rows/asks.ts";
import { forwarding } from "./rows/forwarding.ts";
import { fullStream, fullStreamByTls } from "./rows/full-stream.ts";
import { idleMemory, idleMemoryByTls } from "./rows/idle-memory.ts";
import { names } from "./rows/names.ts";
import { opens } from "./rows/opens.ts";
import { redemptions } from "./rows/redemptions.ts";
import type { Round, Row, Scale, Trial } from "./rows/row.ts";
import { steady } from "./rows/steady.ts";

const ROWS: readonly Row[] = [
  ...[steady, fullStream, idleMemory, opens, asks, forwarding, redemptions, names],
  ...[fullStreamByTls, idleMemoryByTls],
];

const FULL: Scale = {
  rounds: 3,
  warmUpSeconds: 1.5,
  windowSeconds: 4,
  warmUpOpens: 2000,
  stillSeconds: 5,
  sessions: 200,
  floods: 4,
  idle: [500, 3000],
  callers: 16,
  redemptions: { warmUp: 200, counted: 800 },
  questionsPerSecond: 50_000,
  processPerViewer: { idle: [10, 30], warmUpOpens: 16, openSeconds: 10 },
};

/** Shows that every part works; its figures mean nothing. */
const QUICK: Scale = {
  rounds: 1,
  warmUpSeconds: 0.2,
  windowSeconds: 0.5,
  warmUpOpens: 40,
  stillSeconds: 0.5,
  sessions: 10,
  floods: 2,
  idle: [5, 20],
  callers: 2,
  redemptions: { warmUp: 4, counted: 20 },
  questionsPerSecond: 500,
  processPerViewer: { idle: [1, 2], warmUpOpens: 1, openSeconds: 0.5 },
};

const RESULTS = fileURLToPath(new URL("results", import.meta.url));

const { values } = parseArgs({
  options: {
    row: { type: "string", multiple: true, default: [] },
    contestant: { type: "string", multiple: true, default: [] },
    callers: { type: "string" },
    quick: { type: "boolean", default: false },
    results: { type: "string" },
  },
});

const rows = ROWS.filter(({ number }) => values.row.length === 0 || values.row.includes(String(number)));
if (rows.length === 0) {
  process.stderr.write(`there is no such row; there are ${ROWS.map(({ number }) => number).join(", ")}\n`);
  process.exit(2);
}
const missing = Object.keys(CONTESTANTS).filter((name) => !isInstalled(name as Name));
for (const name of missing) say(`${name} is not installed: it is left out, and what is compared with it`);

const given = values.callers === undefined ? {} : { callers: Number(values.callers) };
const scale: Scale = { ...(values.quick ? QUICK : FULL), ...given };
const othersShare = watchMachine(process.pid);
const measured: RowReport[] = [];
for (const row of rows) measured.push(await measure(row));
const report: Report = {
  date: new Date().toISOString(),
  machine: describeMachine(),
  othersPercent: 100 * othersShare(),
  scale,
  rows: measured,
};
process.stdout.write(toMarkdown(report));

const whole = rows.length === ROWS.length && values.contestant.length === 0 && !values.quick;
const directory = values.results ?? (whole ? RESULTS : undefined);
if (directory !== undefined) say(`written to ${writeReport(report, directory)}`);

async function measure(row: Row): Promise<RowReport> {
  const rounds: Round[] = [];
  for (let number = 1; number <= scale.rounds; number++) {
    const round = await measureRound(row, `row ${row.number}, round ${number} of ${scale.rounds}`);
    rounds.push(row.relate?.(round) ?? round);
  }
  const { number, metrics, notes, control } = row;
  const controlRun = await measureControl(row);
  return {
    number,
    title: row.title(scale),
    metrics,
    notes,
    rounds,
    verdicts: row.goals.map((goal) => judge(goal, rounds)),
    ...(control === undefined || controlRun === undefined
      ? {}
      : { control: { name: control.name, trial: controlRun } }),
  };
}

async function measureControl({ number, control }: Row): Promise<Trial | undefined> {
  if (control === undefined || !isChosen("direct")) return undefined;
  say(`row ${number}: ${control.name}`);
  return await control.measure(CONTESTANTS.direct, scale);
}

async function measureRound(row: Row, label: string): Promise<Round> {
  const round: Round = {};
  for (const group of row.contestants) {
    const names = [group].flat().filter((name) => !missing.includes(name) && isChosen(name));
    if (names.length === 0) continue;
    say(`${label}: ${names.join(", ")}`);
    const trials = await Promise.all(
      names.map(async (name) => [name, await row.measure(CONTESTANTS[name], scale)] as const),
    );
    Object.assign(round, Object.fromEntries(trials));
  }
  return round;
}

function isChosen(name: Name): boolean {
  return values.contestant.length === 0 || values.contestant.includes(name);
}

function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}
