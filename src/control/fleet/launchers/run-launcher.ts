import { type Program, ProgramError, runProgram } from "#base/process/bounded-run.ts";
import { LaunchError } from "./launcher.ts";

/** Runs a program to its end and resolves to what it answered. Throws a LaunchError where it fails. */
export async function runLauncher(program: Program, input: string, signal: AbortSignal): Promise<string> {
  try {
    const { output } = await runProgram(program, input, signal);
    return new TextDecoder().decode(output);
  } catch (cause) {
    if (!(cause instanceof ProgramError)) throw cause;
    throw new LaunchError(cause.message, { cause });
  }
}
