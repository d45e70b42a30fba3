import { type Command, InvalidArgumentError, Option } from "commander";
import { AUDIT_ACTION_NAMES, type AuditAction, AuditRow } from "#wire/audit.ts";
import { action, type CliContext, type Invocation } from "../invocation.ts";
import type { Field, Output } from "../output/output.ts";

interface Filter {
  readonly account?: string;
  readonly object?: string;
  readonly action?: AuditAction;
  readonly from?: string;
  readonly to?: string;
}

/** Who did what, and what came of it. */
export function auditCommands(program: Command, context: CliContext): void {
  const audit = program
    .command("audit")
    .description("The audit log: who did what, from where, and what came of it");

  filtered(audit.command("list"))
    .description("Rows of the audit log, the newest first")
    .addOption(new Option("--limit <count>", "at most so many").default(100).argParser(count))
    .action(action(context, list));

  filtered(audit.command("export"))
    .description("All of the audit log as JSON lines, the oldest first")
    .action(action(context, exportAll));
}

function filtered(command: Command): Command {
  return command
    .option("--account <id>", "only what this account did")
    .option("--object <id>", "only what was done to this machine, account, project, node or setting")
    .addOption(new Option("--action <action>", "only this").choices(AUDIT_ACTION_NAMES))
    .addOption(
      new Option("--from <time>", "of this time and later, such as 2026-11-27T08:00:00Z").argParser(time),
    )
    .addOption(new Option("--to <time>", "of this time and before").argParser(time));
}

async function list({ api, output }: Invocation, { limit, ...filter }: Filter & { readonly limit: number }) {
  const rows = await api.list(["audit"], AuditRow, { query: { ...filter }, atMost: limit });
  output.list(rows, fields(output), "No such rows in the audit log.");
  if (rows.length === limit && !output.json)
    output.note(`These are the newest ${limit}; --limit shows more, and “porthole audit export” all.`);
}

/** As it comes, so that its length is no matter; with `--json` too, since every line is JSON already. */
async function exportAll({ api, output }: Invocation, filter: Filter): Promise<void> {
  for await (const text of api.stream(["audit", "export"], { ...filter })) await output.raw(text);
}

function fields(output: Output): readonly Field<AuditRow>[] {
  return [
    { title: "TIME", value: ({ at }) => output.time(at) },
    { title: "ACTION", keep: true, value: (row) => row.action },
    {
      title: "RESULT",
      value: ({ result }) => result,
      tone: ({ result }) => (result === "ok" ? "good" : "bad"),
    },
    { title: "ACCOUNT", value: ({ account, accountId }) => account ?? accountId },
    {
      title: "OBJECT",
      value: ({ object }) => object && `${object.kind} ${object.name ?? object.id ?? ""}`.trim(),
    },
    { title: "FROM", spare: true, value: ({ address }) => address },
    { title: "API", spare: true, value: ({ api }) => api },
    { title: "SESSION", spare: true, value: ({ sessionId }) => sessionId },
    { title: "DETAIL", spare: true, value: ({ detail }) => detail },
  ];
}

function time(text: string): string {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError("It must be a time, such as 2026-11-27T08:00:00Z.");
  return new Date(ms).toISOString();
}

function count(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("It must be a number from 1 to 999999.");
  return Number(text);
}
