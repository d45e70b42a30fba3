import type { MetricTable } from "#base/process/admin/meters.ts";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** What a node tells beside what every process does (docs/operations/metrics.md is made of it). */
export const NODE_METRICS = {
  porthole_node_sessions: {
    type: "gauge",
    help: "Consoles that the node carries, or is opening or closing.",
    labels: ["protocol", "state"],
  },
  porthole_node_opens_total: {
    type: "counter",
    help: "Consoles that were opened: their machine was reached, and their viewer let in.",
    labels: ["protocol"],
  },
  porthole_node_refusals_total: {
    type: "counter",
    help: "Viewers that were refused before there was a session, by the code of the error.",
    labels: ["reason"],
  },
  porthole_node_endings_total: {
    type: "counter",
    help: "Sessions that are over, by how (closed, refused, failed) and by the code of their ending.",
    labels: ["protocol", "kind", "reason"],
  },
  porthole_node_bytes_total: {
    type: "counter",
    help: "Console bytes that were relayed, to viewers and from them.",
    labels: ["direction"],
  },
  porthole_node_redemption_seconds: {
    type: "histogram",
    help: "From a viewer's ticket to control's word, in seconds.",
    labels: ["result"],
    buckets: SECONDS,
  },
  porthole_node_dial_seconds: {
    type: "histogram",
    help: "Resolving the hypervisor's name and connecting to it, in seconds.",
    labels: ["result"],
    buckets: SECONDS,
  },
  porthole_node_handshake_seconds: {
    type: "histogram",
    help: "From the connection to the hypervisor to the console being ready for its viewer, in seconds.",
    labels: ["protocol"],
    buckets: SECONDS,
  },
  porthole_node_link_up: {
    type: "gauge",
    help: "Whether control answered when the node last asked: 1 or 0.",
    labels: [],
  },
  porthole_node_link_silence_seconds: {
    type: "gauge",
    help: "How long ago control was last heard, in seconds.",
    labels: [],
  },
  porthole_node_identity_end_time_seconds: {
    type: "gauge",
    help: "When the certificate ends that control knows the node by, in seconds since 1970; it is renewed a month ahead.",
    labels: [],
  },
  porthole_node_reports_queue_length: {
    type: "gauge",
    help: "Reports of sessions that wait for control.",
    labels: [],
  },
  porthole_node_reports_dropped_total: {
    type: "counter",
    help: "Reports that control will never get, because more waited for it than are kept.",
    labels: [],
  },
  porthole_node_draining: {
    type: "gauge",
    help: "Whether the node is on its way out of service, and waits for the consoles that are open: 1 or 0.",
    labels: [],
  },
  porthole_node_stopping: {
    type: "gauge",
    help: "Whether the node takes no more consoles because it stops: 1 or 0.",
    labels: [],
  },
} as const satisfies MetricTable;
