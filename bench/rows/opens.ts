/** Row 4: how many consoles can be opened in a second, from the question to the picture. */
import type { StartContestant } from "../contestants/contestant.ts";
import type { Row, Scale, Trial } from "./row.ts";
import { cpuBetween, GENERATOR_METRICS, withContestant } from "./trial.ts";

export const opens: Row = {
  number: 4,
  title: ({ callers }) => `full opens, ${callers} callers`,
  contestants: ["Porthole", "featureless"],
  metrics: {
    opensPerSecond: { label: "opens/s", digits: 0 },
    p50Ms: { label: "p50, ms", digits: 1 },
    p99Ms: { label: "p99, ms", digits: 1 },
    cpuPercent: { label: "CPU, % of a core", digits: 0 },
    ...GENERATOR_METRICS,
  },
  goals: [
    {
      what: "full opens per second",
      metric: "opensPerSecond",
      against: "featureless",
      bound: { atLeast: 0.6 },
    },
  ],
  notes: [
    "An open is: ask the API for a console, upgrade a WebSocket with the ticket, RFB handshake, the first byte of the first update; then the viewer leaves. Every caller does this again and again.",
    "Porthole's callers sign createConsoleEndpoint; featureless is two processes of the same shape that hand out and redeem a random token in memory. The direct path (TCP and RFB alone) says how fast the generators can be.",
  ],
  together: false,
  measure,
  control: { name: "direct", measure },
};

async function measure(start: StartContestant, scale: Scale): Promise<Trial> {
  return await withContestant(start, async ({ generators: { viewers }, contestant, readCpu }) => {
    const { entrance } = contestant;
    const { callers, warmUpOpens, windowSeconds } = scale;
    await viewers.cycle({ entrance, callers, lasts: { times: warmUpOpens } });

    const before = readCpu();
    const opened = await viewers.cycle({ entrance, callers, lasts: { seconds: windowSeconds } });
    const { contestantSeconds: _, ...percents } = cpuBetween(before, readCpu());

    const { seconds, times, p50Ms, p99Ms } = opened;
    return { ...percents, opensPerSecond: times / seconds, p50Ms, p99Ms };
  });
}
