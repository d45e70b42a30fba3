import { arch, availableParallelism, cpus, platform, release, totalmem } from "node:os";
import { pinned } from "./child.ts";

/** What the figures were taken on: enough to compare runs, nothing that names the machine. */
export interface Machine {
  readonly system: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly node: string;
  /** Contestants on one core, generators on the others. */
  readonly pinned: boolean;
}

export function describeMachine(): Machine {
  return {
    system: `${platform()} ${release().split("-")[0]} ${arch()}`,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    pinned,
  };
}
