import { AUDIT_ACTIONS, AuditRow } from "#wire/audit.ts";
import { code, table } from "./markdown.ts";

/** docs/api/audit.md: what the audit log holds, and how it is read. */
export function auditDocument(): string {
  return `${[
    "# The audit log",
    "<!-- Made from src/wire/audit.ts: npx -c 'node test/docs/write.ts' -->",
    [
      "Who did what to what, when and from where, and what came of it. A row is written in the same transaction as what it tells",
      "of, so there is one exactly when it happened. Rows are never changed; the oldest go after `audit.retention.days`",
      "([settings](../operations/settings.md)). Only administrators read it. Why it is as it is:",
      "[decision 12](../decisions/0012-the-audit-log.md).",
    ].join("\n"),
    "## Reading it",
    [
      "```",
      "GET /api/v1/audit?account=ID&object=ID&action=ACTION&from=TIME&to=TIME&limit=100",
      "GET /api/v1/audit/export?…",
      "```",
    ].join("\n"),
    [
      'The first answers `{"items": […], "next"}`, the newest first; `next` is the `after` of the following page. The second',
      "streams every row there is as JSON lines, the oldest first, and takes the same filters. Both of `from` and `to` are",
      "RFC 3339 and belong to what is wanted. `object` is the id of a machine, an account, a project or a node, or the name of a",
      "setting. On the command line: `porthole audit list` and `porthole audit export`.",
    ].join("\n"),
    [
      "For a copy elsewhere, export again from a minute before the last row that you have, and drop what you know by its `id`:",
      "rows of several replicas may be committed a moment out of order. That an export was made is a row too.",
    ].join("\n"),
    "## A row",
    table(
      ["field", "always there", "meaning"],
      Object.entries(AuditRow.properties).map(([name, schema]) => [
        code(name),
        AuditRow.required.some((required) => required === name) ? "yes" : "no",
        "description" in schema ? String(schema.description) : (MEANINGS[name] ?? ""),
      ]),
    ),
    "## What is told",
    table(
      ["action", "when"],
      Object.entries(AUDIT_ACTIONS).map(([action, when]) => [code(action), when]),
    ),
    "## What was refused",
    [
      "A refusal is a row of the same action, with the code of the error as its result. Of one account or node sixty are written in a",
      "minute, of callers whom nobody knows thirty in all, and thirty failed sign-ins; how many were more is told by",
      "`refusals.omitted`, and counted by the [metric](../operations/metrics.md) `porthole_audit_dropped_total`. What a node refuses",
      "by itself, such as a ticket that is garbage, control never hears of: the node counts it (`porthole_node_refusals_total`).",
    ].join("\n"),
    [
      "Never in a row: tickets, extra tokens, passwords, secret keys, codes, cookies, join tokens, and names that were tried at a",
      "sign-in and are nobody's, since people type secrets into the wrong field.",
    ].join("\n"),
  ].join("\n\n")}\n`;
}

/** Of the fields whose schema is a list of values. */
const MEANINGS: Readonly<Record<string, string>> = {
  action: "See below.",
  api: "The door: `cloudstack`, `native`, `nova` or `web`; `link` is that of the nodes.",
  object: "What it was done to: its `kind`, its `id`, and its `name` at that time.",
  detail: "What else there is to say, by action.",
};
