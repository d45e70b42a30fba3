import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { parse } from "smol-toml";
import { ConfigError, type ConfigOf, type Field, type Fields, kebab, readConfig } from "../config.ts";

/** A configuration, or the text that `--help` asked for. */
export type LoadedConfig<Table extends Fields> =
  | { readonly config: ConfigOf<Table> }
  | { readonly help: string };

/**
 * Reads one role's table from flags, then the environment, then the TOML file that `--config` names.
 * Throws a ConfigError that lists every problem.
 */
export function loadConfig<Table extends Fields>(
  role: string,
  table: Table,
  {
    args,
    env,
  }: { readonly args: readonly string[]; readonly env: Readonly<Record<string, string | undefined>> },
): LoadedConfig<Table> {
  const flags = parseFlags(table, args);
  if (flags["help"] !== undefined) return { help: helpText(role, table) };
  const { config: path, ...rest } = flags;
  return { config: readConfig(table, { flags: rest, env, file: path === undefined ? {} : readFile(path) }) };
}

function parseFlags(table: Fields, args: readonly string[]): Record<string, string | undefined> {
  const options = Object.fromEntries(
    Object.entries(table)
      .filter(([, field]) => field.isSecret !== true)
      .map(([name, field]) => [
        kebab(name),
        { type: field.placeholder === undefined ? ("boolean" as const) : ("string" as const) },
      ]),
  );
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { ...options, config: { type: "string" }, help: { type: "boolean" } },
      allowNegative: true,
    });
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value?.toString()]));
  } catch (cause) {
    throw new ConfigError([cause instanceof Error ? cause.message : String(cause)], { seeHelp: true });
  }
}

function readFile(path: string): Record<string, unknown> {
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new ConfigError([`${path}: ${cause instanceof Error ? cause.message : String(cause)}`]);
  }
}

/** The same rows that docs/operations/configuration.md is generated from. */
function helpText(role: string, table: Fields): string {
  const rows = Object.entries(table).map(([name, field]) => {
    return `  ${usageOf(name, field).padEnd(36)} ${field.doc} [${field.env}]`;
  });
  return [`usage: porthole ${role} [--config FILE] [OPTION…]`, "", ...rows, ""].join("\n");
}

/** How the field is given on a command line; empty for one that must not stand there. */
export function usageOf(name: string, { placeholder, isSecret }: Field<unknown>): string {
  if (isSecret === true) return "";
  return placeholder === undefined ? `--${kebab(name)}` : `--${kebab(name)} ${placeholder}`;
}
