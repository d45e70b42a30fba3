import type { FindingResult } from "#wire/findings.ts";
import { printable } from "#wire/gateway-error.ts";
import { CHECKS, type CheckLine, shownFacts } from "#wire/self-check.ts";
import type { Tone } from "../output/output.ts";

const SIDES = { control: "From control", node: "From the nodes", client: "From here" } as const;

/** In capitals what needs somebody, so that it is found without colour. */
const WORDS: Readonly<Record<FindingResult, readonly [word: string, tone: Tone]>> = {
  ok: ["ok", "good"],
  warning: ["WARNING", "plain"],
  failed: ["FAILED", "bad"],
  skipped: ["skipped", "faint"],
};

const INDENT = " ".repeat(9);

/** How many lines came to what. */
export type Summary = Readonly<Record<FindingResult, number>>;

export function summaryOf(lines: readonly CheckLine[]): Summary {
  const count = (wanted: FindingResult) => lines.filter(({ result }) => result === wanted).length;
  return { ok: count("ok"), warning: count("warning"), failed: count("failed"), skipped: count("skipped") };
}

/** What was found, for people: by side, and below what needs somebody what is so and what to do. */
export function report(lines: readonly CheckLine[], paint: (tone: Tone, text: string) => string): string {
  const factsOf = shownFacts(lines);
  const sides = Object.entries(SIDES).flatMap(([side, title]) => {
    const own = lines.filter(({ check }) => check.startsWith(`${side}.`));
    return own.length === 0
      ? []
      : [[title, ...own.map((line) => linesOf(line, factsOf(line), paint))].join("\n")];
  });
  return [...sides, closing(summaryOf(lines))].join("\n\n");
}

function linesOf(
  line: CheckLine,
  seen: readonly (readonly [name: string, value: string])[],
  paint: (tone: Tone, text: string) => string,
): string {
  const { result, check, subject, message, remedy } = line;
  const [word, tone] = WORDS[result];
  const title = (CHECKS as Readonly<Record<string, string>>)[check] ?? check;
  const facts = seen.map(([name, value]) => `${name} ${value}`);
  const head = [title, ...(subject === undefined ? [] : [subject])].map(printable).join(": ");
  return [
    `${paint(tone, word.padEnd(INDENT.length))}${head}`,
    ...(facts.length === 0 ? [] : [paint("faint", INDENT + printable(facts.join("; ")))]),
    ...(result === "ok" ? [] : [`${INDENT}${printable(message)}`]),
    ...(result === "ok" || remedy === undefined ? [] : [`${INDENT}→ ${printable(remedy)}`]),
  ].join("\n");
}

function closing({ ok, warning, failed, skipped }: Summary): string {
  return `${ok} ok, ${warning} ${warning === 1 ? "warning" : "warnings"}, ${failed} failed, ${skipped} skipped`;
}
