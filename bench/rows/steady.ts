/** Row 1: many people looking at screens on which a little happens. */
import { setTimeout as wait } from "node:timers/promises";
import type { StartContestant } from "../contestants/contestant.ts";
import type { Round, Row, Scale, Trial } from "./row.ts";
import { cpuBetween, GENERATOR_METRICS, withContestant } from "./trial.ts";

const UPDATES_PER_SECOND = 30;
/** The control run asks for this much more of the generators than any contestant's run. */
const CONTROL_MULTIPLE = 4;

export const steady: Row = {
  number: 1,
  title: ({ sessions }) => `${sessions} sessions, each ${UPDATES_PER_SECOND} updates of 300 bytes a second`,
  contestants: ["Porthole", "websockify", "haproxy", "bare relay", "direct"],
  metrics: {
    cpuPercent: { label: "CPU, % of a core", digits: 1 },
    addedP50Ms: { label: "p50 added, ms", digits: 3 },
    addedP99Ms: { label: "p99 added, ms", digits: 3 },
    p50Ms: { label: "p50, ms", digits: 3 },
    p99Ms: { label: "p99, ms", digits: 3 },
    deliveredPercent: { label: "delivered, %", digits: 1 },
    ...GENERATOR_METRICS,
  },
  goals: [
    { what: "CPU", metric: "cpuPercent", against: "websockify", bound: { atMost: 0.35 } },
    { what: "p99 added latency", metric: "addedP99Ms", against: "websockify", bound: { atMost: 1 } },
  ],
  notes: [
    "An update is a FramebufferUpdate with one raw rectangle, stamped with the monotonic clock when it is written and read when it arrives; viewers answer each with a FramebufferUpdateRequest. Added is what a contestant's latency has over the direct path of the same round.",
    "Porthole spoke porthole.v1 with everything on; websockify and the bare relay carried the same bytes in WebSocket frames, haproxy and the direct path as bare TCP.",
    `The direct path was also run at ${CONTROL_MULTIPLE} times the load ("direct × ${CONTROL_MULTIPLE}").`,
  ],
  measure: (start, scale) => measure(start, scale, UPDATES_PER_SECOND),
  control: {
    name: `direct × ${CONTROL_MULTIPLE}`,
    measure: (start, scale) => measure(start, scale, UPDATES_PER_SECOND * CONTROL_MULTIPLE),
  },
  relate: addLatencies,
};

export async function measure(
  start: StartContestant,
  scale: Scale,
  updatesPerSecond: number,
): Promise<Trial> {
  return await withContestant(start, async ({ generators: { upstream, viewers }, contestant, readCpu }) => {
    const { entrance } = contestant;
    await viewers.open({ entrance, count: scale.sessions, callers: scale.callers });
    await viewers.watch();
    await upstream.pace({ updatesPerSecond });
    await wait(scale.warmUpSeconds * 1000);

    await viewers.sample();
    const before = readCpu();
    await wait(scale.windowSeconds * 1000);
    const after = readCpu();
    const { seconds, updates, p50Ms, p99Ms } = await viewers.sample();

    const { contestantSeconds: _, ...percents } = cpuBetween(before, after);
    const deliveredPercent = (100 * updates) / (seconds * scale.sessions * updatesPerSecond);
    return { ...percents, p50Ms, p99Ms, deliveredPercent };
  });
}

export function addLatencies(round: Round): Round {
  const direct = round.direct;
  if (direct === undefined) return round;
  return Object.fromEntries(
    Object.entries(round).map(([name, trial]) => [name, { ...trial, ...added(trial, direct) }]),
  );
}

function added(trial: Trial, direct: Trial): Trial {
  return {
    addedP50Ms: (trial["p50Ms"] ?? 0) - (direct["p50Ms"] ?? 0),
    addedP99Ms: (trial["p99Ms"] ?? 0) - (direct["p99Ms"] ?? 0),
  };
}
