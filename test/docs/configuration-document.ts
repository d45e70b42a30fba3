import type { Fields } from "#base/config.ts";
import { usageOf } from "#base/process/load-config.ts";
import { START_FIELDS } from "#cli/start/config.ts";
import { FIELDS as CONTROL_FIELDS } from "#control/config.ts";
import { DEMO_FIELDS } from "#demo/config.ts";
import { FIELDS as PROXY_FIELDS } from "#proxy/config.ts";
import { code, table } from "./markdown.ts";

/** The tables of src/ROLE/config.ts, by the command that reads them. */
const ROLES: Readonly<Record<string, Fields>> = {
  start: START_FIELDS,
  control: CONTROL_FIELDS,
  proxy: PROXY_FIELDS,
  demo: DEMO_FIELDS,
};

/** docs/operations/configuration.md: what each process must know to start. */
export function configurationDocument(): string {
  return `${[
    "# Configuration of the processes",
    "<!-- Made from src/*/config.ts: npx -c 'node test/docs/write.ts' -->",
    [
      "What one process must know to start comes from its command line, else from its environment, else from the TOML file",
      "that `--config FILE` names, whose keys are the flags without their dashes. All mistakes are reported at once, and the",
      "process does not start with any. What the whole installation shares is in the [settings](settings.md); the command",
      "line's own configuration is described in [cli.md](../cli.md).",
    ].join("\n"),
    ...Object.entries(ROLES).flatMap(([role, fields]) => [
      `## porthole ${role}`,
      table(
        ["flag", "environment", "required", "meaning"],
        Object.entries(fields).map(([name, field]) => [
          field.isSecret === true ? "" : code(usageOf(name, field)),
          code(field.env),
          field.fallback === undefined ? "yes" : "no",
          field.doc,
        ]),
      ),
    ]),
  ].join("\n\n")}\n`;
}
