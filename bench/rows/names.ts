/** Row 9: how many questions control's name server answers in a second. */
import { fileURLToPath } from "node:url";
import type { StartContestant } from "../contestants/contestant.ts";
import type { AskerCommands } from "../load/asker.ts";
import { remote } from "../load/remote.ts";
import { start as startChild } from "../measure/child.ts";
import { cpuSeconds } from "../measure/process-tree.ts";
import type { Row, Scale, Trial } from "./row.ts";

export const names: Row = {
  number: 9,
  title: ({ questionsPerSecond }) =>
    `answers of the name server: 64 askers without a rest, then ${questionsPerSecond} questions a second`,
  contestants: ["Porthole", "bare UDP"],
  metrics: {
    answersPerSecond: { label: "answers/s", digits: 0 },
    answersPerCpuSecond: { label: "answers per second of a core", digits: 0 },
    pacedPerSecond: { label: "answers/s at the rate", digits: 0 },
    pacedP50Ms: { label: "p50 at the rate, ms", digits: 2 },
    pacedP95Ms: { label: "p95 at the rate, ms", digits: 2 },
    pacedP99Ms: { label: "p99 at the rate, ms", digits: 2 },
  },
  goals: [],
  notes: [
    "Porthole's control with `--dns-listen`, asked for the names of 250 addresses by UDP from 64 networks, so that its response rate limiting looks at each and holds none back. The least that could answer (bare UDP) is a socket of Node that sends everything back with a record behind it.",
    "At the rate, a question's time counts from when it was due. A generator that has not its core for itself falls behind, and the figures are its own. Where the host of a virtual machine takes a core away for a hundredth of the time, p99 is that: hold it against bare UDP's, which has the same.",
  ],
  measure,
};

async function measure(start: StartContestant, scale: Scale): Promise<Trial> {
  await using contestant = await start({ host: "127.0.0.1", port: 1 });
  if (contestant.answering === undefined) throw new Error("no names are answered there");
  const args = [fileURLToPath(new URL("../load/asker.ts", import.meta.url))];
  await using child = startChild({ command: process.execPath, args, part: "generator", channel: true });
  const asker = remote<AskerCommands>(child.process);
  await asker.open(await contestant.answering());
  const cpu = () => Object.values(contestant.processes).reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const seconds = scale.windowSeconds;
  await asker.askAllTheTime({ seconds: scale.warmUpSeconds });

  const before = cpu();
  const free = await asker.askAllTheTime({ seconds });
  const used = cpu() - before;
  const paced = await asker.askAtRate({ seconds, perSecond: scale.questionsPerSecond });

  return {
    answersPerSecond: free.answers / free.seconds,
    answersPerCpuSecond: free.answers / Math.max(used, 0.01),
    pacedPerSecond: paced.answers / paced.seconds,
    pacedP50Ms: paced.p50Ms,
    pacedP95Ms: paced.p95Ms,
    pacedP99Ms: paced.p99Ms,
  };
}
