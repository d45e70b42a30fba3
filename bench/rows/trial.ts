/** One contestant between fresh generators. */
import type { Contestant, StartContestant } from "../contestants/contestant.ts";
import { type Generators, startGenerators } from "../measure/generators.ts";
import { cpuSeconds } from "../measure/process-tree.ts";

export interface Bench {
  readonly generators: Generators;
  readonly contestant: Contestant;
  readCpu(): CpuReading;
}

interface CpuReading {
  readonly at: number;
  readonly contestantSeconds: number;
  readonly upstreamSeconds: number;
  readonly viewersSeconds: number;
}

export async function withContestant<Result>(
  start: StartContestant,
  work: (bench: Bench) => Promise<Result>,
): Promise<Result> {
  await using generators = startGenerators();
  const host = "127.0.0.1";
  const { port } = await generators.upstream.listen({ host });
  await using contestant = await start({ host, port });
  return await work({ generators, contestant, readCpu: () => readCpu(contestant, generators) });
}

function readCpu(contestant: Contestant, { upstreamPid, viewersPid }: Generators): CpuReading {
  const contestantSeconds = Object.values(contestant.processes).reduce(
    (sum, pid) => sum + cpuSeconds(pid),
    0,
  );
  return {
    at: performance.now() / 1000,
    contestantSeconds,
    upstreamSeconds: cpuSeconds(upstreamPid),
    viewersSeconds: cpuSeconds(viewersPid),
  };
}

/** Percent of one core, and the contestant's seconds, from one reading to the next. */
export function cpuBetween(before: CpuReading, after: CpuReading) {
  const percent = (used: number) => (100 * used) / (after.at - before.at);
  const contestantSeconds = after.contestantSeconds - before.contestantSeconds;
  return {
    contestantSeconds,
    cpuPercent: percent(contestantSeconds),
    upstreamPercent: percent(after.upstreamSeconds - before.upstreamSeconds),
    viewersPercent: percent(after.viewersSeconds - before.viewersSeconds),
  };
}

/** What the generators themselves used of one core: where it nears 100, they were the bottleneck. */
export const GENERATOR_METRICS = {
  upstreamPercent: { label: "upstream generator, % of a core", digits: 0 },
  viewersPercent: { label: "viewers generator, % of a core", digits: 0 },
} as const;
