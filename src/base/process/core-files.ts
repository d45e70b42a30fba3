import { readFileSync } from "node:fs";

/**
 * INVARIANT: no process of ours leaves a core file, which would hold every secret that was in memory.
 *
 * Node cannot change its own limits, so a process that starts with core files on replaces itself, in place,
 * by one that has them off. Does nothing where that is already so, and where there is no /proc to tell.
 */
export function turnCoreFilesOff(): void {
  if (!coreFilesOn() || process.channel !== undefined) return;
  process.execve?.("/bin/sh", [
    "sh",
    "-c",
    'ulimit -c 0 && exec "$@"',
    "sh",
    process.execPath,
    ...process.execArgv,
    ...process.argv.slice(1),
  ]);
}

function coreFilesOn(): boolean {
  try {
    const softLimit = /^Max core file size\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return softLimit !== undefined && softLimit !== "0";
  } catch {
    return false;
  }
}
