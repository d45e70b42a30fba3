import { styleText } from "node:util";
import type { TestEnded } from "./events.ts";
import type { Result } from "./supervise.ts";

const limits = {
  /** Of what a failing worker printed; the middle is left out, since both ends tell more. */
  outputLines: 400,
} as const;

/** Prints results as they come, one line for each file and every failure in full, and adds them up. */
export class Report {
  readonly #tests: TestEnded[] = [];

  get failed(): boolean {
    return this.#tests.some((test) => test.outcome === "failed");
  }

  add({ tests, output }: Result): void {
    this.#tests.push(...tests);
    for (const [file, own] of Map.groupBy(tests, (test) => test.file)) printFile(file, own);
    const failures = tests.filter((test) => test.outcome === "failed");
    for (const test of failures) printFailure(test);
    if (failures.length > 0 && output.trim() !== "") printOutput(output.trim());
  }

  /** Every skipped test with its reason; then, alone and last, the one line that says it all. */
  finish(): void {
    const skipped = this.#of("skipped");
    if (skipped.length > 0) print("\nSkipped:");
    for (const test of skipped) print(`  ${test.file}: ${test.name} (${test.text || "no reason was given"})`);
    const failed = this.#of("failed");
    if (failed.length > 0) print("\nFailed:");
    for (const test of failed) print(`  ${test.file}: ${test.name}`);
    print("");
    print(`${this.#of("passed").length} passed, ${failed.length} failed, ${skipped.length} skipped`);
  }

  #of(outcome: TestEnded["outcome"]): TestEnded[] {
    return this.#tests.filter((test) => test.outcome === outcome);
  }
}

function printFile(file: string, tests: readonly TestEnded[]): void {
  const count = (outcome: TestEnded["outcome"]) => tests.filter((test) => test.outcome === outcome).length;
  const seconds = tests.reduce((sum, test) => sum + test.durationMs, 0) / 1000;
  const counts = (["passed", "failed", "skipped"] as const).filter((outcome) => count(outcome) > 0);
  const mark = count("failed") > 0 ? colour("red", "✖") : count("passed") > 0 ? colour("green", "✔") : "–";
  const words = counts.map((outcome) => `${count(outcome)} ${outcome}`).join(", ");
  print(`${mark} ${file} ${colour("gray", `${words} (${seconds.toFixed(1)} s)`)}`);
}

function printFailure(test: TestEnded): void {
  print(`\n  ${colour("red", "✖")} ${test.name}\n${indent(test.text, 4)}\n`);
}

function printOutput(output: string): void {
  const lines = output.split("\n");
  const omitted = lines.length - limits.outputLines;
  if (omitted > 0) lines.splice(limits.outputLines / 2, omitted, `… ${omitted} lines …`);
  print(`\n  What was printed meanwhile:\n${indent(lines.join("\n"), 4)}\n`);
}

function indent(text: string, width: number): string {
  return text.replaceAll(/^(?=.)/gm, " ".repeat(width));
}

/** Only in a terminal, and never where NO_COLOR is set. */
function colour(name: "red" | "green" | "gray", text: string): string {
  return styleText(name, text, { stream: process.stdout });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
