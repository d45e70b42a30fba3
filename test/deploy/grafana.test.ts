import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { checkQuery, checkSyntax, lackingPromtool } from "./promql.ts";

const FILE = new URL("../../deploy/grafana/porthole.json", import.meta.url);

/** What we use of Grafana's dashboard model (https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/). */
interface Dashboard {
  readonly id?: number | null;
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly time: { readonly from: string; readonly to: string };
  readonly templating: { readonly list: readonly Variable[] };
  readonly panels: readonly Panel[];
}

interface Variable {
  readonly name: string;
  readonly type: string;
  readonly definition?: string;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly targets?: readonly Target[];
}

interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly datasource: { readonly type: string; readonly uid: string };
}

/** Of those that come with Grafana since its version 8. */
const PANEL_TYPES = ["row", "timeseries", "stat", "table"];
/** From where on `datasource` is an object, as it is here: Grafana 8.3. */
const OLDEST_SCHEMA = 33;
const COLUMNS = 24;
/** What Grafana puts in place of `$NAME` by itself. */
const BUILT_IN = ["__rate_interval"];

const dashboard: Dashboard = JSON.parse(readFileSync(FILE, "utf8"));
const graphs = dashboard.panels.filter(({ type }) => type !== "row");
const targets = graphs.flatMap(({ title, targets: all = [] }) => all.map((target) => ({ title, ...target })));

describe("the Grafana dashboard", () => {
  test("asks for metrics and labels that Porthole tells, and for no others", () => {
    assert.ok(targets.length > 30);
    for (const { title, expr, legendFormat } of targets) {
      const labels = checkQuery(expr);
      for (const [, label = ""] of legendFormat.matchAll(/\{\{\s*(\w+)\s*\}\}/g))
        assert.ok(labels.includes(label), `${title}: the result has no label ${label}`);
    }
    for (const { definition = "" } of dashboard.templating.list)
      for (const [, metric = "", label = ""] of definition.matchAll(/label_values\((\w+), (\w+)\)/g))
        assert.ok(checkQuery(metric).includes(label), definition);
  });

  test("asks in Prometheus' own language", { skip: lackingPromtool }, async () => {
    await checkSyntax(
      targets.map(({ expr }) => expr.replaceAll("$__rate_interval", "1m").replaceAll("$instance", ".*")),
    );
  });

  test("has the shape that Grafana imports: no number of its own, and a name that stays", () => {
    assert.equal(dashboard.id ?? null, null);
    assert.match(dashboard.uid, /^[\w-]{1,40}$/);
    assert.ok(dashboard.schemaVersion >= OLDEST_SCHEMA);
    assert.deepEqual([dashboard.title, dashboard.time.to], ["Porthole", "now"]);
    assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
    for (const { type, title, description, targets: all = [] } of graphs) {
      assert.ok(PANEL_TYPES.includes(type), `${title} is a ${type}`);
      assert.match(description ?? "", /^[A-Z].*\.$/, title);
      assert.ok(all.length > 0, title);
      assert.equal(new Set(all.map(({ refId }) => refId)).size, all.length, title);
    }
  });

  test("works with whichever Prometheus is chosen: every variable that is used is there", () => {
    const names = [...dashboard.templating.list.map(({ name }) => name), ...BUILT_IN];
    const sources = graphs.flatMap(({ datasource, targets: all = [] }) => [
      datasource,
      ...all.map((each) => each.datasource),
    ]);

    // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's way of naming a variable.
    const chosen = { type: "prometheus", uid: "${datasource}" };
    for (const source of sources) assert.deepEqual(source, chosen);
    for (const { title, expr } of targets)
      for (const [, name = ""] of expr.matchAll(/\$(\w+)/g))
        assert.ok(names.includes(name), `${title}: $${name}`);
    assert.deepEqual(
      dashboard.templating.list.map(({ name, type }) => [name, type]),
      [
        ["datasource", "datasource"],
        ["instance", "query"],
      ],
    );
  });

  test("has no panel over another, and none beyond the edge", () => {
    const taken = new Map<string, string>();
    for (const { title, gridPos } of dashboard.panels) {
      assert.ok(gridPos.x >= 0 && gridPos.x + gridPos.w <= COLUMNS, title);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.equal(taken.get(`${x} ${y}`), undefined, `${title} at ${x}, ${y}`);
          taken.set(`${x} ${y}`, title);
        }
    }
  });
});

describe("the check of queries", () => {
  const wrong: Readonly<Record<string, RegExp>> = {
    porthole_node_sesions: /there is no metric porthole_node_sesions/,
    'sum(porthole_node_sessions{stat="active"})': /has no label stat/,
    "sum by (reason) (porthole_node_sessions)": /no label reason/,
    "sum(porthole_node_opens_total)": /only ever rises/,
    "rate(porthole_node_dial_seconds[5m])": /is a histogram/,
    "rate(porthole_node_link_up_count[5m])": /there is no metric/,
    "histogram_quantile(0.9, sum by (le, kind) (rate(porthole_node_dial_seconds_bucket[5m])))":
      /no label kind/,
  };

  for (const [query, message] of Object.entries(wrong))
    test(`refuses ${query}`, () => {
      assert.throws(() => checkQuery(query), message);
    });
});
