/** Row 4: how many consoles can be opened in a second, from the question to the picture. */
import type { StartContestant } from "../contestants/contestant.ts";
import type { Row, Scale, Trial } from "./row.ts";
import { cpuBetween, GENERATOR_METRICS, withContestant } from "./trial.ts";

export const opens: Row = {
  number: 4,
  title: ({ callers }) => `full opens, ${callers} callers`,
  contestants: ["Porthole", "featureless", "websockify", "nova-consoleproxy"],
  metrics: {
    opensPerSecond: { label: "opens/s", digits: 1 },
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
    "websockify and nova-consoleproxy have no API here: an open begins at the WebSocket. websockify knows one target and asks for no token; nova-consoleproxy looks up in a database a token that Nova's own code issued once and that is good again and again, looks up the instance, and does the RFB handshake on both sides.",
  ],
  measure,
  control: { name: "direct", measure },
};

async function measure(start: StartContestant, scale: Scale): Promise<Trial> {
  return await withContestant(start, async ({ generators: { viewers }, contestant, readCpu }) => {
    const { entrance } = contestant;
    const { callers } = scale;
    const { warmUpOpens, openSeconds } =
      contestant.processPerViewer === undefined
        ? { warmUpOpens: scale.warmUpOpens, openSeconds: scale.windowSeconds }
        : scale.processPerViewer;
    await viewers.cycle({ entrance, callers, lasts: { times: warmUpOpens } });

    const before = readCpu();
    const opened = await viewers.cycle({ entrance, callers, lasts: { seconds: openSeconds } });
    const { contestantSeconds: _, ...percents } = cpuBetween(before, readCpu());

    const { seconds, times, p50Ms, p99Ms } = opened;
    return { ...percents, opensPerSecond: times / seconds, p50Ms, p99Ms };
  });
}
