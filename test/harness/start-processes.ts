import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The processes that work for a start: those that it started, whoever their parent is by now. */
export function processesOf(data: string): readonly number[] {
  return readFileSync(join(data, "start.pid"), "utf8")
    .split("\n")
    .slice(1)
    .map(Number)
    .filter((pid) => pid > 0);
}

/** Gone, or dead and not yet waited for. */
export function isGone(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  return !existsSync(path) || /\) [ZX] /.test(readFileSync(path, "utf8"));
}
