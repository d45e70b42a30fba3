import type { MetricTable } from "#base/process/admin/meters.ts";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** What control tells beside what every process does (docs/operations/metrics.md is made of it). */
export const CONTROL_METRICS = {
  porthole_control_sessions: {
    type: "gauge",
    help: "Sessions that are not over, as the database has them: the same at every replica, so take one of them.",
    labels: ["protocol", "state"],
  },
  porthole_control_nodes: {
    type: "gauge",
    help: "Console nodes that are up, and that are not heard of; the same at every replica.",
    labels: ["state"],
  },
  porthole_control_link_channels: {
    type: "gauge",
    help: "Nodes whose channel to control ends at this replica.",
    labels: [],
  },
  porthole_control_opens_total: {
    type: "counter",
    help: "Consoles whose ticket was issued, by the door that they were asked through.",
    labels: ["api", "purpose"],
  },
  porthole_control_refusals_total: {
    type: "counter",
    help: "What was refused while a console was asked for (issue), asked for again (reopen) or redeemed (redeem), by the code of the error.",
    labels: ["at", "reason"],
  },
  porthole_control_issue_seconds: {
    type: "histogram",
    help: "From the judging of rights to the issued ticket, in seconds.",
    labels: [],
    buckets: SECONDS,
  },
  porthole_control_redemption_seconds: {
    type: "histogram",
    help: "From a node's ticket to the grant or the refusal, in seconds, without the way there and back.",
    labels: ["result"],
    buckets: SECONDS,
  },
  porthole_control_redemptions_total: {
    type: "counter",
    help: "Tickets that were redeemed, and tokens of a Nova that control stands in front of.",
    labels: [],
  },
  porthole_control_scans_total: {
    type: "counter",
    help: "Looks at the room of all pools, by the replica that leads.",
    labels: ["result"],
  },
  porthole_control_scan_seconds: {
    type: "histogram",
    help: "How long such a look takes, with what launchers are asked, in seconds.",
    labels: [],
    buckets: SECONDS,
  },
  porthole_control_launches_total: {
    type: "counter",
    help: "Nodes that control launched, and those of them that it gave up, by the kind of launcher.",
    labels: ["launcher", "result"],
  },
  porthole_control_places: {
    type: "gauge",
    help: "Consoles that a pool's nodes take, as last looked at: by the replica that leads, so sum over all.",
    labels: ["pool"],
  },
  porthole_control_spare_places: {
    type: "gauge",
    help: "How many of these are free.",
    labels: ["pool"],
  },
  porthole_control_standby_places: {
    type: "gauge",
    help: "How many control keeps free, consoleproxy.capacity.standby; 0 where it launches nothing.",
    labels: ["pool"],
  },
  porthole_control_pool_nodes: {
    type: "gauge",
    help: "A pool's nodes that count against consoleproxy.launch.max: those that are there, and those on their way.",
    labels: ["pool", "state"],
  },
  porthole_certificate_end_time_seconds: {
    type: "gauge",
    help: "When certificates end, in seconds since 1970: those that were uploaded, that of ACME, what nodes serve beside these (the first of each pool), the installation's own CA. The same at every replica; the pool `*` is all of them.",
    labels: ["kind", "pool"],
  },
  porthole_certificate_nodes: {
    type: "gauge",
    help: "Nodes that can serve TLS, by how far they are: serving what they are to serve, waiting to say so, refused (they could not load it, and go on with what they had), or plain, without TLS; the same at every replica.",
    labels: ["pool", "state"],
  },
  porthole_control_hypervisors: {
    type: "gauge",
    help: "Hypervisors that control hears from (up), that it does not hear from (down), and that nobody has tried yet (new); the same at every replica.",
    labels: ["state"],
  },
  porthole_control_keystone_questions_total: {
    type: "counter",
    help: "What this replica asked Keystone about a token: it is good (valid), nobody's or over (unknown), or Keystone could not be asked (unavailable).",
    labels: ["result"],
  },
  porthole_dns_questions_total: {
    type: "counter",
    help: "Messages that came to the name server, by what they were answered with: the code, `limited` where there were too many of the same, `ignored` where they were no question.",
    labels: ["transport", "result"],
  },
  porthole_dns_names: {
    type: "gauge",
    help: "Addresses of registered nodes that have a name; the same at every replica that answers for the domain.",
    labels: [],
  },
  porthole_acme_orders_total: {
    type: "counter",
    help: "Certificates that this replica ordered by ACME, by what came of it: ok or failed.",
    labels: ["result"],
  },
  porthole_acme_failures: {
    type: "gauge",
    help: "Orders by ACME that failed since the last one that did not; the same at every replica, and there while ACME is on.",
    labels: [],
  },
  porthole_acme_last_success_timestamp_seconds: {
    type: "gauge",
    help: "When ACME last brought a certificate, in seconds since 1970; the same at every replica.",
    labels: [],
  },
  porthole_audit_rows_total: {
    type: "counter",
    help: "Rows written into the audit log by this process, by what they tell. `console.end` by result says why consoles ended.",
    labels: ["action", "result"],
  },
  porthole_audit_dropped_total: {
    type: "counter",
    help: "Refusals that were not written into the audit log: because there were more in a minute than are (omitted), or because the database did not take them (failed).",
    labels: ["reason"],
  },
  porthole_audit_queue_length: {
    type: "gauge",
    help: "Refusals that are being written into the audit log.",
    labels: [],
  },
  porthole_database_up: {
    type: "gauge",
    help: "Whether the database answered when this was read: 1 or 0.",
    labels: [],
  },
} as const satisfies MetricTable;
