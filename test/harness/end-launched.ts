import { readdirSync, readFileSync } from "node:fs";
import { eventually } from "./eventually.ts";

const limits = { politelyMs: 15_000 } as const;

/**
 * Ends the nodes whose data is below a folder: they are nobody's children, so nothing else ends them. They are asked
 * first, so that control knows of it: else their ports are taken, for a while, when the system gives one to another node.
 */
export async function endLaunched(folder: string): Promise<void> {
  for (const pid of processesOf(folder)) send(pid, "SIGTERM");
  await eventually(() => checkNoneLeft(folder), { withinMs: limits.politelyMs }).catch(() => {});
  await eventually(() => {
    for (const pid of processesOf(folder)) send(pid, "SIGKILL");
    checkNoneLeft(folder);
  });
}

function checkNoneLeft(folder: string): void {
  const left = processesOf(folder);
  if (left.length > 0) throw new Error(`nodes are left: ${left.join(", ")}`);
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

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}
