/** What a process and everything below it have used, as Linux counts it in /proc. */
import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ, which Linux has fixed at 100 towards user space (proc(5)). */
const TICKS_PER_SECOND = 100;

interface Stat {
  readonly parent: number;
  /** Own user and system time, and that of children that have ended and were waited for. */
  readonly cpuSeconds: number;
}

export interface Memory {
  readonly rssBytes: number;
  /** Shared pages counted in parts; 0 where the kernel does not tell. */
  readonly pssBytes: number;
}

/** User and system time of a process and all its descendants, ended ones included, in seconds. */
export function cpuSeconds(root: number): number {
  const all = processes();
  return tree(root, all).reduce((sum, pid) => sum + (all.get(pid)?.cpuSeconds ?? 0), 0);
}

/** Watches the whole machine. Returns what gives the share of all cores that others than `root` have used since. */
export function watchMachine(root: number): () => number {
  const begin = machineTimes();
  const ownBefore = cpuSeconds(root);
  return () => {
    const end = machineTimes();
    const others = end.busySeconds - begin.busySeconds - (cpuSeconds(root) - ownBefore);
    const all = end.allSeconds - begin.allSeconds;
    return all > 0 ? Math.max(0, others) / all : 0;
  };
}

/** proc(5), the first line of /proc/stat: user nice system idle iowait irq softirq steal, of all cores. */
function machineTimes(): { readonly busySeconds: number; readonly allSeconds: number } {
  const [, ...fields] = (read("/proc/stat") ?? "").split("\n")[0]?.split(/ +/) ?? [];
  const seconds = fields.slice(0, 8).map((field) => Number(field) / TICKS_PER_SECOND);
  const allSeconds = seconds.reduce((sum, part) => sum + part, 0);
  return { allSeconds, busySeconds: allSeconds - (seconds[3] ?? 0) - (seconds[4] ?? 0) };
}

export function memory(root: number): Memory {
  const parts = tree(root, processes()).map((pid) => ({
    rssBytes: kilobytes(pid, "status", "VmRSS"),
    pssBytes: kilobytes(pid, "smaps_rollup", "Pss"),
  }));
  return {
    rssBytes: parts.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
    pssBytes: parts.reduce((sum, { pssBytes }) => sum + pssBytes, 0),
  };
}

function processes(): Map<number, Stat> {
  const all = new Map<number, Stat>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? readStat(pid) : undefined;
    if (stat !== undefined) all.set(pid, stat);
  }
  return all;
}

/** proc(5): the fields behind the name, which stands in parentheses and may hold anything. */
function readStat(pid: number): Stat | undefined {
  const line = read(`/proc/${pid}/stat`);
  if (line === undefined) return undefined;
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0); // utime stime cutime cstime
  return { parent: Number(fields[1]), cpuSeconds: ticks / TICKS_PER_SECOND };
}

function tree(root: number, all: ReadonlyMap<number, Stat>): number[] {
  const found = [root];
  for (const pid of found) for (const [child, { parent }] of all) if (parent === pid) found.push(child);
  return found;
}

function kilobytes(pid: number, file: string, key: string): number {
  const value = new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(read(`/proc/${pid}/${file}`) ?? "")?.[1];
  return Number(value ?? 0) * 1024;
}

/** Nothing where the process ended meanwhile, or is not ours to look into. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
