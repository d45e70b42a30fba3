/** Row 6: what it costs to come in through another node than the one that carries the console. */
import type { Row } from "./row.ts";
import { addLatencies, measure } from "./steady.ts";
import { GENERATOR_METRICS } from "./trial.ts";

const UPDATES_PER_SECOND = 30;

export const forwarding: Row = {
  number: 6,
  title: ({ sessions }) =>
    `${sessions} sessions through another node, each ${UPDATES_PER_SECOND} updates of 300 bytes a second`,
  contestants: ["Porthole", "Porthole, forwarded", "direct"],
  metrics: {
    cpuPercent: { label: "CPU, % of a core", digits: 1 },
    addedP50Ms: { label: "p50 added, ms", digits: 3 },
    addedP99Ms: { label: "p99 added, ms", digits: 3 },
    p50Ms: { label: "p50, ms", digits: 3 },
    p99Ms: { label: "p99, ms", digits: 3 },
    deliveredPercent: { label: "delivered, %", digits: 1 },
    ...GENERATOR_METRICS,
  },
  goals: [],
  notes: [
    "As row 1. Forwarded, all viewers come in through a second node, which hands every connection on over mutual TLS to the node that carries the console; the CPU is that of control and both nodes. Without, there is one node, and viewers come to it.",
    "The second node is on the same machine, so the figures hold the work and no network. Added is what a contestant's latency has over the direct path of the same round.",
  ],
  measure: (start, scale) => measure(start, scale, UPDATES_PER_SECOND),
  relate: addLatencies,
};
