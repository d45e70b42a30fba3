import { Command } from "commander";
import { productVersion } from "#base/process/version.ts";
import { accountCommands } from "./commands/account.ts";
import { acmeCommands } from "./commands/acme.ts";
import { apiKeyCommands } from "./commands/api-key.ts";
import { auditCommands } from "./commands/audit.ts";
import { certificateCommands } from "./commands/certificate.ts";
import { consoleCommands } from "./commands/console.ts";
import { dnsCommands } from "./commands/dns.ts";
import { doctorCommands } from "./commands/doctor.ts";
import { frontProxyCommands } from "./commands/front-proxy.ts";
import { hypervisorCommands } from "./commands/hypervisor.ts";
import { installationCommands } from "./commands/installation.ts";
import { keystoneCommands } from "./commands/keystone.ts";
import { machineCommands } from "./commands/machine.ts";
import { nodeCommands } from "./commands/node.ts";
import { projectCommands } from "./commands/project.ts";
import { publicIpRangeCommands } from "./commands/public-ip-range.ts";
import { sessionCommands } from "./commands/session.ts";
import { ticketKeyCommands } from "./commands/ticket-key.ts";
import type { CliContext } from "./invocation.ts";

/** The processes of an installation: no part of this tree, because src/main.ts starts them by themselves. */
export const PROCESSES = {
  start: "Control, one node and a demo machine on this machine, until it is stopped",
  control: "A control replica: APIs, web pages, tickets, nodes",
  proxy: "A console node: serves the viewer and carries the consoles",
  demo: "A machine to try with: an RFB server that draws something alive",
} as const;

export const HELP_HINT = "“--help” behind any command says how it is used.";

/** Every command of the command line. Nothing runs and nothing is read before it is parsed. */
export function createProgram(context: CliContext): Command {
  const program = new Command("porthole")
    .description("The consoles of your machines, from the command line.")
    .option("--json", "print exactly one JSON value")
    .option("--config <file>", "the configuration file with url, api-key and secret-key")
    .version(productVersion(), "--version", "print the version")
    .helpCommand(false)
    .showSuggestionAfterError()
    .showHelpAfterError(HELP_HINT)
    .exitOverride();
  // Commander's words are for people; main.ts says in JSON what is wrong.
  if (context.output.json) program.configureOutput({ writeErr: () => {} });
  machineCommands(program, context);
  consoleCommands(program, context);
  sessionCommands(program, context);
  projectCommands(program, context);
  accountCommands(program, context);
  apiKeyCommands(program, context);
  nodeCommands(program, context);
  installationCommands(program, context);
  hypervisorCommands(program, context);
  publicIpRangeCommands(program, context);
  certificateCommands(program, context);
  acmeCommands(program, context);
  keystoneCommands(program, context);
  dnsCommands(program, context);
  frontProxyCommands(program, context);
  doctorCommands(program, context);
  ticketKeyCommands(program, context);
  auditCommands(program, context);
  program.configureHelp({ showGlobalOptions: true });
  for (const command of everyCommand(program)) command.configureHelp({ showGlobalOptions: true });
  const processes = Object.entries(PROCESSES).map(([name, text]) => `  ${name.padEnd(9)}${text}`);
  program.addHelpText("after", `\nProcesses (each has --help):\n${processes.join("\n")}`);
  return program;
}

/** The command and all below it, in the order of their making. */
export function everyCommand(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}
