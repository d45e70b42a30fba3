import type { Command } from "commander";
import { kebab } from "#base/config.ts";
import { CLIENT_FIELDS, DEFAULT_FILES } from "./config.ts";
import { EXIT } from "./exit-status.ts";
import { createContext } from "./invocation.ts";
import { createProgram, everyCommand, PROCESSES } from "./program.ts";

/** docs/cli.md, from the commands themselves. */
export function cliDocument(): string {
  const program = createProgram(createContext(new AbortController().signal, { json: false }));
  const leaves = everyCommand(program).filter((command) => command.commands.length === 0);
  return `${[
    "# The command line",
    "<!-- Generated from src/cli; a test keeps it so. -->",
    "`porthole <noun> <verb>`, or `porthole doctor`, is a client of the native API. In a checkout it is `npm run -s porthole -- <noun> <verb>`.",
    "## Where control is, and who asks",
    [
      `It reads a TOML file with ${Object.keys(CLIENT_FIELDS).map(fileKey).join(", ")}: the one that \`--config\` or`,
      `\`PORTHOLE_CONFIG\` names, else ${DEFAULT_FILES.map(code).join(", else ")}. \`npm start\` writes the first of these.`,
      "Each value can come from the environment, which is asked first:",
    ].join("\n"),
    table(
      ["variable", "in the file", "meaning"],
      Object.entries(CLIENT_FIELDS).map(([name, { env, doc }]) => [code(env), fileKey(name), doc]),
    ),
    "Secrets never stand on a command line, where other users of the machine could see them: passwords and extra tokens come from files, or from standard input by `-`.",
    "## What it prints",
    'Results go to standard output, everything else to standard error. With `--json` a command prints exactly one JSON value: a list prints an array, and an error is `{"error": {…}}` on standard error. Tables are cut to the terminal\'s width, and are whole where the output is no terminal.',
    "## Exit status",
    table(
      ["status", "meaning"],
      Object.values(EXIT).map(({ status, meaning }) => [String(status), meaning]),
    ),
    "## Processes",
    "The processes of an installation are started by the same program, and described in [operations/running.md](operations/running.md) and [operations/configuration.md](operations/configuration.md).",
    table(
      ["command", "is"],
      Object.entries(PROCESSES).map(([name, text]) => [code(`porthole ${name}`), text]),
    ),
    "## Commands",
    "Every command takes these options as well:",
    optionTable(program),
    ...leaves.map(section),
  ].join("\n\n")}\n`;
}

function section(command: Command): string {
  const noun = command.parent?.parent == null ? [] : [command.parent.name()];
  const path = [...noun, command.name()].join(" ");
  const args = command.registeredArguments.map((argument) => {
    const word = `${argument.name().toUpperCase()}${argument.variadic ? "…" : ""}`;
    return argument.required ? word : `[${word}]`;
  });
  const usage = ["porthole", path, ...args, ...(command.options.length > 0 ? ["[OPTION…]"] : [])].join(" ");
  return [
    `### ${path}`,
    `${command.description()}.`,
    `\`\`\`\n${usage}\n\`\`\``,
    ...(command.options.length > 0 ? [optionTable(command)] : []),
  ].join("\n\n");
}

function optionTable(command: Command): string {
  return table(
    ["option", "meaning"],
    command.options.map((option) => [code(option.flags), meaningOf(option)]),
  );
}

function meaningOf({ description, argChoices, defaultValue, mandatory }: Command["options"][number]): string {
  const extras = [
    ...(mandatory ? ["required"] : []),
    ...(argChoices === undefined ? [] : [argChoices.map(code).join(" or ")]),
    ...(typeof defaultValue === "string" || typeof defaultValue === "number"
      ? [`${code(String(defaultValue))} if absent`]
      : []),
  ];
  return extras.length === 0 ? description : `${description} (${extras.join("; ")})`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function code(text: string): string {
  return `\`${text}\``;
}

function fileKey(name: string): string {
  return code(kebab(name));
}
