/** Row 5: how many consoles can be asked for in a second, whether or not anybody opens them. */
import type { StartContestant } from "../contestants/contestant.ts";
import type { Row, Scale, Trial } from "./row.ts";
import { cpuBetween, GENERATOR_METRICS, withContestant } from "./trial.ts";

/** The most that the setting takes, and far more than a trial asks for. */
const UNOPENED = 100_000;

/** What an installation of tens of thousands of consoles has in its busiest minute. */
const OFFERED_PER_SECOND = 800;

export const asks: Row = {
  number: 5,
  title: ({ callers }) => `signed createConsoleEndpoint, ${callers} callers`,
  contestants: ["Porthole", "Porthole on PostgreSQL", "featureless"],
  metrics: {
    callsPerSecond: { label: "calls/s", digits: 0 },
    p50Ms: { label: "p50, ms", digits: 1 },
    p99Ms: { label: "p99, ms", digits: 1 },
    offeredP50Ms: { label: `p50 at ${OFFERED_PER_SECOND}/s, ms`, digits: 1 },
    offeredP99Ms: { label: `p99 at ${OFFERED_PER_SECOND}/s, ms`, digits: 1 },
    pendingAfter: { label: "unopened at the end", digits: 0 },
    cpuPercent: { label: "CPU, % of a core", digits: 0 },
    ...GENERATOR_METRICS,
  },
  goals: [],
  notes: [
    "The first step of row 4 alone: every caller asks for a console again and again, over one kept connection, and opens none. One control process with its embedded SQLite; a node is there and has nothing to do.",
    "Porthole on PostgreSQL is the same control over a server on the same machine, reached by a socket, with PostgreSQL's own durable defaults; the server has all cores, and its processes count. Like one that has run for a while it has files of its log to write again: in its first minutes it fills each with zeros first, and who commits meanwhile waits.",
    `calls/s, p50 and p99 are those of callers who ask again as soon as they are answered, so that each waits for all others. Then the same callers ask for ${OFFERED_PER_SECOND} consoles a second, whether or not the ones before are answered; a call's time counts from when it was due.`,
    "Nobody redeems, so console.ticket.pending.max was raised through the API beforehand; a node has room for 100 000. featureless hands out random tokens on the same HTTP framework: no signature, no rights, no ticket, no database.",
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
    const offered = await viewers.ask({
      entrance,
      callers,
      lasts: { seconds: windowSeconds },
      perSecond: OFFERED_PER_SECOND,
    });

    const { seconds, times, p50Ms, p99Ms } = asked;
    return {
      ...percents,
      callsPerSecond: times / seconds,
      p50Ms,
      p99Ms,
      offeredP50Ms: offered.p50Ms,
      offeredP99Ms: offered.p99Ms,
      pendingAfter: warmUpOpens + times + offered.times,
    };
  });
}
