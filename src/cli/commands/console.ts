import { type Command, Option } from "commander";
import { Console, type ConsoleRequest } from "#wire/api.ts";
import { ASKED_PROTOCOLS, type AskedProtocol } from "#wire/protocols.ts";
import { action, type CliContext, type Invocation, readSecret } from "../invocation.ts";
import { findMachine } from "./find-machine.ts";

interface OpenOptions {
  readonly viewOnly?: true;
  readonly protocol?: AskedProtocol;
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
    .addOption(
      new Option(
        "--protocol <protocol>",
        "which of its consoles, the machine's own if it is not said: its screen, its serial line; webmks is for clients that bring VMware's own library",
      ).choices(ASKED_PROTOCOLS),
    )
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
    ...(options.protocol === undefined ? {} : { protocol: options.protocol }),
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
