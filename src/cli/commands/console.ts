import type { Command } from "commander";
import { Console, type ConsoleRequest } from "#wire/api.ts";
import { action, type CliContext, type Invocation, readSecret } from "../invocation.ts";
import { findMachine } from "./machine.ts";

interface OpenOptions {
  readonly viewOnly?: true;
  readonly extraFile?: string;
  readonly callerAddress?: string;
  readonly project?: string;
}

export function consoleCommands(program: Command, context: CliContext): void {
  const console = program.command("console").description("The consoles of machines");

  console
    .command("open <machine>")
    .description("Ask for a machine's console: prints a link that works once, for a short time")
    .option("--view-only", "whoever opens the link sees the screen and can do nothing")
    .option(
      "--extra-file <file>",
      "file with a further secret that the viewer must bring; - reads standard input",
    )
    .option("--caller-address <address>", "the only address from which the link may be opened")
    .option("--project <project>", "the project to look in, where several have a machine of that name")
    .action(action(context, open));
}

async function open(invocation: Invocation, text: string, options: OpenOptions): Promise<void> {
  const { api, output } = invocation;
  const body: ConsoleRequest = {
    ...(options.viewOnly === undefined ? {} : { viewOnly: true }),
    ...(options.extraFile === undefined ? {} : { extra: await readSecret(options.extraFile) }),
    ...(options.callerAddress === undefined ? {} : { callerAddress: options.callerAddress }),
  };
  const { id } = await findMachine(invocation, text, options.project);
  const { url, websocket, expiresAt } = await api.call({
    method: "POST",
    path: ["machines", id, "consoles"],
    body,
    answer: Console,
  });
  const { host, port, path, token } = websocket;
  output.result({ url, websocket: { host, port, path, token } }, url);
  output.noteUntil("It works once", expiresAt);
}
