import type { Certificate } from "#wire/certificate.ts";
import { daysLeft, type lasting } from "#wire/certificate-end.ts";
import type { Output } from "../output/output.ts";

/** Something that ends, and what is to be done about it before. */
interface Ending {
  readonly what: string;
  readonly notAfter: string;
  readonly how: ReturnType<typeof lasting>;
  readonly remedy: string;
}

export function remedyOf({ source }: Pick<Certificate, "source">): string {
  return source === "acme"
    ? "It should have been renewed by itself: porthole acme show"
    : "Upload the next one: porthole certificate upload";
}

/** A line beside the result for each that ends soon, or has ended. */
export function warnOfEnds(output: Output, endings: readonly Ending[]): void {
  for (const { what, notAfter, how, remedy } of endings) {
    const day = notAfter.slice(0, 10);
    const left = daysLeft(Date.parse(notAfter), output.now());
    if (how === "soon") output.warn(`${what} ends in ${days(left)}, on ${day}. ${remedy}`);
    if (how === "ended") output.warn(`${what} ended on ${day}. ${remedy}`);
  }
}

function days(count: number): string {
  return count === 1 ? "1 day" : `${count} days`;
}
