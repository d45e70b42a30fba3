import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { scratch } from "../harness/scratch.ts";
import { checkQuery, lackingPromtool, promtool } from "./promql.ts";

const folder = fileURLToPath(new URL("../../deploy/prometheus", import.meta.url));
const RULES = join(folder, "porthole.rules.yaml");

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly action: string };
}

const { groups }: { readonly groups: readonly { readonly rules: readonly Alert[] }[] } = parse(
  readFileSync(RULES, "utf8"),
);
const alerts = groups.flatMap(({ rules }) => rules);

const NODE = 'instance="node:9101"';

/** In seconds; where nothing else is said, it is the first of 1970. */
const DAY = 86_400;

/** For each alarm, series with a value a minute that set it off, and what it is about. In `calm` none of it goes off. */
const TROUBLE: Readonly<
  Record<string, { readonly series: Readonly<Record<string, string>>; readonly about?: string }>
> = {
  PortholeProcessDown: {
    series: { [`up{job="porthole", ${NODE}}`]: "1 1 0x28" },
    about: "node:9101 does not answer on its admin port",
  },
  PortholeNoNodeUp: { series: { 'porthole_control_nodes{state="up"}': "3 3 0x28" } },
  PortholeNodesNotHeardOf: {
    series: { 'porthole_control_nodes{state="down"}': "0 0 2x28" },
    about: "2 console nodes are not heard of",
  },
  PortholeDatabaseDown: { series: { 'porthole_database_up{instance="control:9100"}': "1 1 0x28" } },
  PortholeNodeLinkDown: { series: { [`porthole_node_link_up{${NODE}}`]: "1 1 0x28" } },
  PortholeConsolesFail: {
    series: {
      'porthole_node_endings_total{kind="closed",reason="viewer_left"}': "0+3x30",
      'porthole_node_endings_total{kind="failed",reason="upstream_lost"}': "0+1x30",
    },
    about: "25% of the consoles that ended have failed",
  },
  PortholeRedemptionSlow: {
    series: {
      'porthole_node_redemption_seconds_bucket{result="ok",le="1"}': "0+90x30",
      'porthole_node_redemption_seconds_bucket{result="ok",le="2.5"}': "0+100x30",
      'porthole_node_redemption_seconds_bucket{result="ok",le="+Inf"}': "0+100x30",
    },
  },
  PortholeEventLoopLate: {
    series: { [`porthole_event_loop_lag_seconds{quantile="0.99",${NODE}}`]: "0.01 0.5x29" },
  },
  PortholeAuditLost: { series: { 'porthole_audit_dropped_total{reason="failed"}': "0x20 1x9" } },
  PortholeReportsLost: { series: { [`porthole_node_reports_dropped_total{${NODE}}`]: "0x20 5x9" } },
  PortholeAcmeFails: {
    series: { 'porthole_acme_failures{instance="control:9100"}': "0x20 4x9" },
    about: "4 times in a row",
  },
  PortholePoolShort: {
    series: {
      'porthole_control_spare_places{pool="default",instance="control:9100"}': "10 10 3x28",
      'porthole_control_standby_places{pool="default",instance="control:9100"}': "10x30",
    },
    about: "The pool default has 3 places left",
  },
  PortholeLaunchesFail: {
    series: { 'porthole_control_launches_total{launcher="libvirt",result="failed"}': "0+1x30" },
    about: "nodes launched by libvirt were given up within three hours",
  },
  PortholeCertificateEnds: {
    series: { 'porthole_certificate_end_time_seconds{kind="uploaded",pool="north"}': `${5 * DAY}x30` },
    about: "A certificate (uploaded, pool north) ends in 4d 23h",
  },
  PortholeCertificateEnded: {
    series: { 'porthole_certificate_end_time_seconds{kind="served",pool="default"}': "600x30" },
    about: "A certificate (served, pool default) has ended",
  },
  PortholeCertificateRefused: {
    series: { 'porthole_certificate_nodes{pool="default",state="refused"}': "0 0 2x28" },
    about: "2 nodes of the pool default cannot load",
  },
  PortholeHypervisorDown: {
    series: { 'porthole_control_hypervisors{state="down"}': "0 0 2x28" },
    about: "2 hypervisors are not heard from",
  },
  PortholeNodeIdentityEnds: {
    series: { [`porthole_node_identity_end_time_seconds{${NODE}}`]: `${5 * DAY}x30` },
    about: "Control will not know the node at node:9101 any more in 4d 23h",
  },
};

/** An installation with which nothing is wrong. */
const CALM: Readonly<Record<string, string>> = {
  [`up{job="porthole", ${NODE}}`]: "1x30",
  'porthole_control_nodes{state="up"}': "3x30",
  'porthole_control_nodes{state="down"}': "0x30",
  'porthole_database_up{instance="control:9100"}': "1x30",
  [`porthole_node_link_up{${NODE}}`]: "1x30",
  'porthole_node_endings_total{kind="closed",reason="viewer_left"}': "0+100x30",
  'porthole_node_endings_total{kind="failed",reason="upstream_lost"}': "0+1x30",
  'porthole_node_redemption_seconds_bucket{result="ok",le="0.005"}': "0+99x30",
  'porthole_node_redemption_seconds_bucket{result="ok",le="1"}': "0+100x30",
  'porthole_node_redemption_seconds_bucket{result="ok",le="+Inf"}': "0+100x30",
  [`porthole_event_loop_lag_seconds{quantile="0.99",${NODE}}`]: "0.01x30",
  [`porthole_event_loop_lag_seconds{quantile="1",${NODE}}`]: "0.5x30",
  'porthole_audit_dropped_total{reason="failed"}': "0x30",
  'porthole_audit_dropped_total{reason="omitted"}': "0+5x30",
  [`porthole_node_reports_dropped_total{${NODE}}`]: "0x30",
  'porthole_acme_failures{instance="control:9100"}': "0x20 2x9",
  'porthole_control_spare_places{pool="default",instance="control:9100"}': "10x30",
  'porthole_control_standby_places{pool="default",instance="control:9100"}': "10x30",
  'porthole_control_launches_total{launcher="libvirt",result="ok"}': "0+1x30",
  'porthole_control_launches_total{launcher="libvirt",result="failed"}': "0 0 1x28",
  'porthole_certificate_end_time_seconds{kind="uploaded",pool="*"}': `${15 * DAY}x30`,
  'porthole_certificate_end_time_seconds{kind="acme",pool="*"}': `${2 * DAY}x30`,
  'porthole_certificate_nodes{pool="default",state="serving"}': "3x30",
  'porthole_certificate_nodes{pool="default",state="waiting"}': "0 1x29",
  'porthole_control_hypervisors{state="up"}': "3x30",
  'porthole_control_hypervisors{state="down"}': "0 0 1 1 0x26",
  [`porthole_node_identity_end_time_seconds{${NODE}}`]: `${30 * DAY}x30`,
};

const EVALUATED_AT = "29m";

test("the alarms ask for metrics and labels that Porthole tells, and for no others", () => {
  assert.ok(alerts.length > 8);
  for (const { alert, expr, labels, annotations } of alerts) {
    const possible = checkQuery(expr);
    assert.match(alert, /^Porthole[A-Z]\w+$/);
    assert.match(labels.severity, /^(warning|critical)$/, alert);
    for (const [, label = ""] of `${annotations.summary}${annotations.action}`.matchAll(/\$labels\.(\w+)/g))
      assert.ok(possible.includes(label), `${alert} has no label ${label}`);
  }
});

describe("the alarms, in Prometheus' own words", { skip: lackingPromtool }, () => {
  test("are rules and a configuration that Prometheus takes", () => {
    promtool("check", "rules", "--lint=all", "--lint-fatal", RULES);
    promtool("check", "config", join(folder, "prometheus.yaml"));
  });

  test("are silent while nothing is wrong", async () => {
    await simulate(
      CALM,
      alerts.map(({ alert }) => ({ alert, fires: false })),
    );
  });

  for (const alert of alerts.map((each) => each.alert))
    test(`tell of what they are for: ${alert}`, async () => {
      const trouble = TROUBLE[alert];
      assert.ok(trouble !== undefined, "there is no case for it");
      await simulate(trouble.series, [{ alert, fires: true }]);
    });

  test("tell without a break of a pool whose nodes never join, though it is tried every 45 minutes alone", async () => {
    const failed = 'porthole_control_launches_total{launcher="libvirt",result="failed"}';
    const samples = Array.from({ length: 12 }, (_, times) => `${times}x44`).join(" ");
    const everyFive = Array.from({ length: 60 }, (_, index) => `${180 + 5 * index}m`);

    await simulate({ [failed]: samples }, [{ alert: "PortholeLaunchesFail", fires: true }], everyFive);
  });

  test("say what it is about", async () => {
    for (const [alert, { series, about }] of Object.entries(TROUBLE)) {
      if (about === undefined) continue;
      await assert.rejects(simulate(series, [{ alert, fires: false }]), (error: Error) =>
        error.message.includes(about),
      );
    }
  });
});

/** Lets Prometheus evaluate the rules over a time in which the series had these values, half an hour mostly. */
async function simulate(
  series: Readonly<Record<string, string>>,
  expected: readonly { readonly alert: string; readonly fires: boolean }[],
  evaluatedAt: readonly string[] = [EVALUATED_AT],
): Promise<void> {
  await using place = scratch();
  cpSync(RULES, join(place.path, "rules.yaml"));
  const samples = Object.entries(series).map(([name, values]) => ({ series: name, values }));
  const atEach = <Case>(cases: readonly Case[]) =>
    evaluatedAt.flatMap((time) => cases.map((each) => ({ ...each, eval_time: time })));
  const [firing, silent] = [expected.filter(({ fires }) => fires), expected.filter(({ fires }) => !fires)];
  const cases = {
    rule_files: ["rules.yaml"],
    evaluation_interval: "1m",
    tests: [
      {
        interval: "1m",
        input_series: samples,
        promql_expr_test: atEach(
          firing.map(({ alert }) => ({
            expr: `count(ALERTS{alertname="${alert}",alertstate="firing"})`,
            exp_samples: [{ labels: "{}", value: 1 }],
          })),
        ),
        alert_rule_test: atEach(silent.map(({ alert }) => ({ alertname: alert, exp_alerts: [] }))),
      },
    ],
  };
  const file = join(place.path, "cases.json");
  writeFileSync(file, JSON.stringify(cases));
  promtool("test", "rules", file);
}
