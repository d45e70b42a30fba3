/** Row 5: how many consoles can be asked for in a second, whether or not anybody opens them. */
import type { StartContestant } from "../contestants/contestant.ts";
import type { Row, Scale, Trial } from "./row.ts";
import { cpuBetween, GENERATOR_METRICS, withContestant } from "./trial.ts";

/** The most that the setting takes, and far more than a trial asks for. */
const UNOPENED = 100_000;

export const asks: Row = {
  number: 5,
  title: ({ callers }) => `signed createConsoleEndpoint, ${callers} callers`,
  contestants: ["Porthole", "Porthole on PostgreSQL", "featureless"],
  metrics: {
    callsPerSecond: { label: "calls/s", digits: 0 },
    p50Ms: { label: "p50, ms", digits: 1 },
    p99Ms: { label: "p99, ms", digits: 1 },
    pendingAfter: { label: "unopened at the end", digits: 0 },
    cpuPercent: { label: "CPU, % of a core", digits: 0 },
    ...GENERATOR_METRICS,
  },
  goals: [],
  notes: [
    "The first step of row 4 alone: every caller asks for a console again and again, over one kept connection, and opens none. One control process with its embedded SQLite; a node is there and has nothing to do.",
    "Porthole on PostgreSQL is the same control over a server on the same machine, reached by a socket, with PostgreSQL's own durable defaults; the server has all cores, and its processes count.",
    "Nobody redeems, so console.ticket.pending.max was raised through the API beforehand; control counts what is pending at every call, which here is thousands. featureless hands out random tokens on the same HTTP framework: no signature, no rights, no ticket, no database.",
  ],
  measure,
};

async function measure(start: StartContestant, scale: Scale): Promise<Trial> {
  return await withContestant(start, async ({ generators: { viewers }, contestant, readCpu }) => {
    const { entrance } = contestant;
    const { callers, warmUpOpens, windowSeconds } = scale;
    await contestant.allowUnopened?.(UNOPENED);
    await viewers.ask({ entrance, callers, lasts: { times: warmUpOpens } });

    const before = readCpu();
    const asked = await viewers.ask({ entrance, callers, lasts: { seconds: windowSeconds } });
    const { contestantSeconds: _, ...percents } = cpuBetween(before, readCpu());

    const { seconds, times, p50Ms, p99Ms } = asked;
    return { ...percents, callsPerSecond: times / seconds, p50Ms, p99Ms, pendingAfter: warmUpOpens + times };
  });
}
