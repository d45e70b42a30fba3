/** Row 7: how many tickets can be redeemed in a second, by a node that dials nobody. */
import type { StartContestant } from "../contestants/contestant.ts";
import { cpuSeconds } from "../measure/process-tree.ts";
import type { Row, Scale, Trial } from "./row.ts";

export const redemptions: Row = {
  number: 7,
  title: ({ callers, redemptions: { counted } }) => `redemptions of ${counted} tickets, ${callers} at once`,
  contestants: ["Porthole", "Porthole on PostgreSQL", "bare update, SQLite", "bare update, PostgreSQL"],
  metrics: {
    redemptionsPerSecond: { label: "redemptions/s", digits: 0 },
    p50Ms: { label: "p50, ms", digits: 1 },
    p99Ms: { label: "p99, ms", digits: 1 },
    cpuPercent: { label: "CPU, % of a core", digits: 0 },
    cpuMs: { label: "CPU, ms each", digits: 2 },
  },
  goals: [],
  notes: [
    "Porthole's control is asked over the node link as a node asks it, by the node's own client of it: one channel, mutual TLS, questions that come up at the same time in one frame. Each is the whole of a redemption: ticket, account, project and machine are judged, the audit log gets its row, and the answer is the grant. Tickets are issued beforehand. The CPU is that of control, of an idle node and of the database, not the asker's.",
    "The bare update is one `update … where … returning` of one row on its key, by the same driver on a database as durable, in the process that asks: no link, no rights, no audit log, no grant. On SQLite it is one at a time, and each waits for its own write to the disk; control has those that come together share one.",
  ],
  measure,
};

async function measure(start: StartContestant, scale: Scale): Promise<Trial> {
  const {
    callers: atOnce,
    redemptions: { warmUp, counted },
  } = scale;
  await using contestant = await start({ host: "127.0.0.1", port: 1 });
  const issued = warmUp + counted;
  await contestant.allowUnopened?.(issued);
  if (contestant.redeeming === undefined) throw new Error("nothing is redeemed there");
  await using redeeming = await contestant.redeeming({ issued, atOnce });
  await redeeming.redeem(warmUp);
  const cpu = () => Object.values(contestant.processes).reduce((sum, pid) => sum + cpuSeconds(pid), 0);

  const before = cpu();
  const { seconds, times, p50Ms, p99Ms } = await redeeming.redeem(counted);
  const used = cpu() - before;

  return {
    redemptionsPerSecond: times / seconds,
    p50Ms,
    p99Ms,
    cpuPercent: (100 * used) / seconds,
    cpuMs: (1000 * used) / times,
  };
}
