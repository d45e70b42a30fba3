import { CommanderError } from "commander";
import { ConfigError } from "#base/config.ts";
import type { Role } from "#base/process/role.ts";
import { CliFailure, EXIT } from "./exit-status.ts";
import { createContext } from "./invocation.ts";
import { createProgram } from "./program.ts";

/** One command of the command line, a client of the native API. */
export const main: Role = async ({ args, stop }) => {
  const context = createContext(stop);
  const program = createProgram(context);
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync([...args], { from: "user" });
    return EXIT.done.status;
  } catch (error) {
    // Commander has said what is wrong; `--help` comes here as well, with nothing wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done.status : EXIT.usage.status;
    const failure = error instanceof ConfigError ? misconfigured(error) : error;
    if (!(failure instanceof CliFailure)) throw error;
    context.output.failure(failure);
    return EXIT[failure.exit].status;
  }
};

function misconfigured({ problems }: ConfigError): CliFailure {
  return new CliFailure("usage", problems.join("\n          "));
}
