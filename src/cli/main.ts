import { CommanderError } from "commander";
import { ConfigError } from "#base/config.ts";
import type { Role } from "#base/process/role.ts";
import { CliFailure, EXIT } from "./exit-status.ts";
import { type CliContext, createContext } from "./invocation.ts";
import { createProgram, HELP_HINT } from "./program.ts";

/** One command of the command line, a client of the native API. */
export const main: Role = async ({ args, stop }) => {
  const context = createContext(stop, { json: args.includes("--json") });
  const program = createProgram(context);
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync([...args], { from: "user" });
    return EXIT.done.status;
  } catch (error) {
    if (error instanceof CommanderError) return misused(error, context);
    const failure = error instanceof ConfigError ? misconfigured(error) : error;
    if (!(failure instanceof CliFailure)) throw error;
    context.output.failure(failure);
    return EXIT[failure.exit].status;
  }
};

/** Commander has told a person what is wrong; `--help` comes here as well, with nothing wrong. */
function misused({ code, exitCode, message }: CommanderError, { output }: CliContext): number {
  if (exitCode === 0) return EXIT.done.status;
  const problem = code === "commander.help" ? "a command is missing" : message.replace(/^error: /, "");
  if (output.json) output.failure(new CliFailure("usage", problem, { remedy: HELP_HINT }));
  return EXIT.usage.status;
}

function misconfigured({ problems }: ConfigError): CliFailure {
  return new CliFailure("usage", problems.join("\n          "));
}
