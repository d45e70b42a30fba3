import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { MetricDefinition } from "#base/process/admin/meters.ts";
import { PROCESS_METRICS } from "#base/process/admin/process-metrics.ts";
import { CONTROL_METRICS } from "#control/observe/table.ts";
import { NODE_METRICS } from "#proxy/observe/table.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";

/** For `test(…, { skip })`. */
export const lackingPromtool = lacking("promtool");

const PROMTOOL = fileURLToPath(new URL("../../.cache/promtool/promtool", import.meta.url));

/** What Prometheus itself adds to whatever it scrapes. */
const ADDED_LABELS = ["job", "instance"];
const ADDED_METRICS: Readonly<Record<string, MetricDefinition>> = {
  up: { type: "gauge", help: "Whether the process was scraped.", labels: [] },
};

const TABLES = [PROCESS_METRICS, CONTROL_METRICS, NODE_METRICS, ADDED_METRICS];
const KNOWN = new Map<string, MetricDefinition>(TABLES.flatMap((table) => Object.entries(table)));

/** What stands for a metric in a query, and may stand there only for a histogram. */
const SERIES = ["_bucket", "_sum", "_count"];

/** A metric in a query, with the labels that it is chosen by. */
interface Use {
  readonly name: string;
  readonly labels: readonly string[];
  /** What is called on it, such as `rate`. */
  readonly inside: string;
}

/**
 * Throws unless each metric of a query exists, has the labels that it is chosen and grouped by, and is asked for as its
 * type allows. Resolves to the labels that the result can have.
 */
export function checkQuery(query: string): readonly string[] {
  const uses = metricsOf(query);
  assert.ok(uses.length > 0, `no metric in ${query}`);
  const possible = new Set(uses.flatMap(checkUse));
  const groupings = groupingsOf(query);
  for (const label of groupings ?? []) assert.ok(possible.has(label), `no label ${label}: ${query}`);
  return groupings ?? (/^\s*(sum|max|min|avg)\b/.test(query) ? [] : [...possible]);
}

/** Throws unless Prometheus' own parser takes them all. */
export async function checkSyntax(queries: readonly string[]): Promise<void> {
  await using folder = scratch();
  const file = join(folder.path, "rules.json");
  const rules = queries.map((expr, index) => ({ record: `q${index}`, expr }));
  writeFileSync(file, JSON.stringify({ groups: [{ name: "queries", rules }] }));
  promtool("check", "rules", file);
}

/** Throws what it says when it refuses. */
export function promtool(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(PROMTOOL, [...args], { encoding: "utf8" });
  assert.equal(status, 0, `${stdout}${stderr}`);
  return stdout;
}

function metricsOf(query: string): Use[] {
  const found = query.matchAll(
    /(?<inside>\w*)\(?\s*\b(?<name>(?:porthole|process)_\w+|up)\b(?:\{(?<chosen>[^}]*)\})?/g,
  );
  return [...found].map(({ groups: { inside = "", name = "", chosen = "" } = {} }) => ({
    name,
    inside,
    labels: [...chosen.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = ""]) => label),
  }));
}

/** The labels that a series of it can have. */
function checkUse({ name, labels, inside }: Use): readonly string[] {
  const suffix = SERIES.find(
    (each) => KNOWN.get(name.slice(0, -each.length))?.type === "histogram" && name.endsWith(each),
  );
  const definition = KNOWN.get(suffix === undefined ? name : name.slice(0, -suffix.length));
  assert.ok(definition !== undefined, `there is no metric ${name}`);
  assert.equal(definition.type === "histogram", suffix !== undefined, `${name} is a ${definition.type}`);
  if (definition.type !== "gauge") assert.match(inside, /^(rate|increase)$/, `${name} only ever rises`);
  const own = [...definition.labels, ...(suffix === "_bucket" ? ["le"] : []), ...ADDED_LABELS];
  for (const label of labels) assert.ok(own.includes(label), `${name} has no label ${label}`);
  return own;
}

/** `undefined` where nothing is grouped. */
function groupingsOf(query: string): readonly string[] | undefined {
  const lists = [...query.matchAll(/\bby\s*\(([^)]*)\)/g)].map(([, list = ""]) => list.split(/[\s,]+/));
  return lists.length === 0 ? undefined : lists.flat().filter((label) => label !== "");
}
