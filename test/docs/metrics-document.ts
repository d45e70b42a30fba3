import type { MetricDefinition } from "#base/process/admin/meters.ts";
import { PROCESS_METRICS } from "#base/process/admin/process-metrics.ts";
import { CONTROL_METRICS } from "#control/observe/table.ts";
import { NODE_METRICS } from "#proxy/observe/table.ts";
import { code, table } from "./markdown.ts";

/** By whom they are told. */
const TABLES: Readonly<Record<string, Readonly<Record<string, MetricDefinition>>>> = {
  "Every process": PROCESS_METRICS,
  Control: CONTROL_METRICS,
  "A node": NODE_METRICS,
};

/** docs/operations/metrics.md: what `/metrics` tells. */
export function metricsDocument(): string {
  return `${[
    "# Metrics",
    "<!-- Made from src/*/observe/table.ts: npx -c 'node test/docs/write.ts' -->",
    [
      "What `/metrics` on the admin port tells ([observing.md](observing.md)), in Prometheus' text format. Labels have few values:",
      "codes of [errors.md](../errors.md), protocols, states. No metric names an account, a machine, a session or an address; the",
      "[audit log](../api/audit.md) does.",
    ].join("\n"),
    ...Object.entries(TABLES).flatMap(([who, metrics]) => [
      `## ${who}`,
      table(
        ["metric", "type", "labels", "meaning"],
        Object.entries(metrics).map(([name, { type, labels, help }]) => [
          code(name),
          type,
          labels.map(code).join(", "),
          help,
        ]),
      ),
    ]),
  ].join("\n\n")}\n`;
}
