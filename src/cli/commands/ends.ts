import { daysLeft, lasting } from "#wire/certificate-end.ts";
import type { Output, Tone } from "../output/output.ts";

/** Something that ends, and what is to be done about it before. */
interface Ending {
  readonly what: string;
  readonly notAfter: string;
  readonly remedy: string;
}

export function toneOfEnd(output: Output, notAfter: string | undefined): Tone {
  if (notAfter === undefined) return "plain";
  return lasting(Date.parse(notAfter), output.now()) === "good" ? "plain" : "bad";
}

/** A line beside the result for each that ends soon, or has ended. */
export function warnOfEnds(output: Output, endings: readonly Ending[]): void {
  for (const { what, notAfter, remedy } of endings) {
    const end = Date.parse(notAfter);
    const day = notAfter.slice(0, 10);
    switch (lasting(end, output.now())) {
      case "good":
        break;
      case "soon":
        output.warn(`${what} ends in ${days(daysLeft(end, output.now()))}, on ${day}. ${remedy}`);
        break;
      case "ended":
        output.warn(`${what} ended on ${day}. ${remedy}`);
        break;
    }
  }
}

function days(count: number): string {
  return count === 1 ? "1 day" : `${count} days`;
}
