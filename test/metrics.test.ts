import assert from "node:assert/strict";
import { test } from "node:test";
import type { MetricDefinition } from "#base/process/admin/meters.ts";
import { PROCESS_METRICS } from "#base/process/admin/process-metrics.ts";
import { CONTROL_METRICS } from "#control/observe/table.ts";
import { NODE_METRICS } from "#proxy/observe/table.ts";

/** Each has values of ours alone, and few: codes of the catalogue, states, protocols, doors, actions. */
const LABELS =
  "action api at direction kind launcher pool protocol purpose quantile reason result role state transport version".split(
    " ",
  );

const SUFFIX = { counter: /_total$/, histogram: /_seconds$/, gauge: /(?<!_total)$/ };

const ALL: readonly (readonly [string, MetricDefinition])[] = [
  PROCESS_METRICS,
  CONTROL_METRICS,
  NODE_METRICS,
].flatMap((table) => Object.entries<MetricDefinition>(table));

test("metrics have names as Prometheus has them, and labels whose values are few", () => {
  assert.ok(ALL.length > 25);
  for (const [name, { type, help, labels, buckets }] of ALL) {
    assert.match(name, /^(porthole|process)_[a-z_]+$/);
    assert.match(name, SUFFIX[type], name);
    assert.match(help, /^[A-Z].*\.$/, name);
    assert.equal(buckets !== undefined, type === "histogram", name);
    for (const label of labels) assert.ok(LABELS.includes(label), `${name} ${label}`);
  }
  assert.equal(new Set(ALL.map(([name]) => name)).size, ALL.length);
});
