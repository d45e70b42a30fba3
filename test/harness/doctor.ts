import { fileURLToPath } from "node:url";
import type { FindingResult } from "#wire/findings.ts";
import type { CheckLine } from "#wire/self-check.ts";
import { type Ran, run } from "./command-line.ts";
import type { Control } from "./porthole.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** What `porthole doctor` found. */
export interface Diagnosis {
  readonly status: Ran["status"];
  readonly summary: Readonly<Record<FindingResult, number>>;
  readonly lines: readonly CheckLine[];
  /** Those of a check, with what was found in few words. */
  of(check: string): readonly string[];
  line(check: string, finding?: string): CheckLine | undefined;
}

/** Runs it as a person does, for a control. */
export async function runDoctor(
  control: Pick<Control, "control" | "apiKey" | "secretKey">,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return await run([MAIN, "doctor", ...args], {
    env: {
      PORTHOLE_URL: control.control,
      PORTHOLE_API_KEY: control.apiKey,
      PORTHOLE_SECRET_KEY: control.secretKey,
      PORTHOLE_CONFIG: "",
      ...env,
    },
  });
}

export async function diagnose(...asked: Parameters<typeof runDoctor>): Promise<Diagnosis> {
  const [control, args = [], env] = asked;
  const { status, out, err } = await runDoctor(control, [...args, "--json"], env);
  if (out === "") throw new Error(`the doctor said nothing: ${err}`);
  const { summary, lines }: Pick<Diagnosis, "summary" | "lines"> = JSON.parse(out);
  const of = (check: string) => lines.filter((line) => line.check === check);
  return {
    status,
    summary,
    lines,
    of: (check) => of(check).map(({ finding }) => finding),
    line: (check, finding) => of(check).find((line) => finding === undefined || line.finding === finding),
  };
}
