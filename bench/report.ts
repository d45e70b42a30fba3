/** What came out, judged against the targets, as a table for people and as JSON with every round for machines. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "./measure/machine.ts";
import { median } from "./measure/statistics.ts";
import type { Goal, Metric, Round, Scale, Trial } from "./rows/row.ts";

export interface Report {
  readonly date: string;
  readonly machine: Machine;
  /** What other processes used of all cores meanwhile. Where it is more than a few, the figures mean little. */
  readonly othersPercent: number;
  readonly scale: Scale;
  readonly rows: readonly RowReport[];
}

export interface RowReport {
  readonly number: number;
  readonly title: string;
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly notes: readonly string[];
  readonly rounds: readonly Round[];
  readonly control?: { readonly name: string; readonly trial: Trial };
  readonly verdicts: readonly Verdict[];
}

/** Absent figures: the other was not measured here. */
export interface Verdict extends Goal {
  readonly porthole?: number;
  readonly other?: number;
  readonly ratio?: number;
  readonly met?: boolean;
}

/**
 * Compares within each round and takes the median of the ratios, so that a machine that is slower in one
 * round is slower for both. A round in which the other's figure is not above zero gives no ratio.
 */
export function judge(goal: Goal, rounds: readonly Round[]): Verdict {
  const pairs = rounds.flatMap((round) => {
    const porthole = round[goal.of ?? "Porthole"]?.[goal.metric];
    const other = round[goal.against]?.[goal.metric];
    return porthole === undefined || other === undefined || other <= 0 ? [] : [{ porthole, other }];
  });
  if (pairs.length === 0) return goal;
  const ratio = median(pairs.map(({ porthole, other }) => porthole / other));
  return {
    ...goal,
    porthole: median(pairs.map(({ porthole }) => porthole)),
    other: median(pairs.map(({ other }) => other)),
    ratio,
    met: "atMost" in goal.bound ? ratio <= goal.bound.atMost : ratio >= goal.bound.atLeast,
  };
}

export function toMarkdown(report: Report): string {
  const { machine, date } = report;
  const cores = machine.pinned
    ? "contestants on the first, generators on the others"
    : "shared by contestants and generators";
  return [
    `# Benchmark of ${date.slice(0, 10)}`,
    "",
    `${machine.cpu}, ${machine.cores} cores (${cores}), ${machine.memoryGib} GiB, ${machine.system}, Node ${machine.node}. Medians of ${report.scale.rounds} alternating rounds; ratios are taken within a round. Other processes used ${report.othersPercent.toFixed(0)} % of the machine meanwhile.`,
    "",
    ...verdictTable(report.rows),
    ...report.rows.flatMap(rowLines),
  ].join("\n");
}

/** Writes the table and the JSON under the run's date and the kind of machine, and the table as `latest.md`. */
export function writeReport(report: Report, directory: string): string {
  mkdirSync(directory, { recursive: true });
  const { system, cores } = report.machine;
  const name = `${report.date.slice(0, 10)}-${system.split(" ")[0]}-${cores}-cores`;
  const markdown = toMarkdown(report);
  writeFileSync(join(directory, `${name}.md`), markdown);
  writeFileSync(join(directory, `${name}.json`), `${JSON.stringify(report, undefined, 1)}\n`);
  writeFileSync(join(directory, "latest.md"), markdown);
  return join(directory, `${name}.md`);
}

/** Nothing where no row that was measured has a target. */
function verdictTable(rows: readonly RowReport[]): string[] {
  const head = ["row", "measure", "Porthole", "compared with", "its figure", "ratio", "target", "met"];
  const lines = rows.flatMap((row) => row.verdicts.map((verdict) => verdictCells(row, verdict)));
  return lines.length === 0 ? [] : [...table(head, lines), ""];
}

function verdictCells(row: RowReport, verdict: Verdict): string[] {
  const { what, metric, against, bound, porthole, other, ratio, met } = verdict;
  const target = "atMost" in bound ? `≤ ${bound.atMost}` : `≥ ${bound.atLeast}`;
  const unit = row.metrics[metric];
  return [
    String(row.number),
    unit === undefined ? what : `${what} (${unit.label})`,
    figure(porthole, unit),
    against,
    figure(other, unit),
    figure(ratio, { digits: 2 }),
    target,
    met === undefined ? "not measured" : met ? "yes" : "no",
  ];
}

function rowLines(row: RowReport): string[] {
  const names = [...new Set(row.rounds.flatMap((round) => Object.keys(round)))];
  const metrics = Object.entries(row.metrics);
  const lines = names.map((name) => [
    name,
    ...metrics.map(([metric, unit]) => figure(medianOf(row.rounds, name, metric), unit)),
  ]);
  const control = row.control;
  if (control !== undefined)
    lines.push([control.name, ...metrics.map(([metric, unit]) => figure(control.trial[metric], unit))]);
  return [
    `## ${row.number}. ${row.title}`,
    "",
    ...table(["", ...metrics.map(([, { label }]) => label)], lines),
    "",
    ...row.notes.map((note) => `- ${note}`),
    "",
  ];
}

function medianOf(rounds: readonly Round[], name: string, metric: string): number | undefined {
  const values = rounds.flatMap((round) => {
    const value = Object.entries(round).find(([candidate]) => candidate === name)?.[1]?.[metric];
    return value === undefined ? [] : [value];
  });
  return values.length === 0 ? undefined : median(values);
}

function figure(value: number | undefined, unit: { readonly digits: number } | undefined): string {
  return value === undefined ? "–" : value.toFixed(unit?.digits ?? 2);
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`);
}
