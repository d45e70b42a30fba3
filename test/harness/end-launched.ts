import { readdirSync, readFileSync } from "node:fs";
import { eventually } from "./eventually.ts";

/** Kills the nodes whose data is below a folder: they are nobody's children, so nothing else ends them. */
export async function endLaunched(folder: string): Promise<void> {
  await eventually(() => {
    const left = processesOf(folder);
    for (const pid of left) kill(pid);
    if (left.length > 0) throw new Error(`nodes are left: ${left.join(", ")}`);
  });
}

/** The process ids of nodes below a folder. */
export function processesOf(folder: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => argumentsOf(pid).some((argument) => argument.startsWith(`${folder}/`)))
    .map(Number);
}

function argumentsOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
