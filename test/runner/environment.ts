import { readFileSync, statfsSync } from "node:fs";
import { COMPILE_CACHE } from "#base/process/compile-cache.ts";

/** What databases, browsers and virtual machines write during a run, many times over. */
const ROOM_BYTES = 4 * 1024 ** 3;

/**
 * What workers find in their environment. With the mark of a test process in it node:test would run nothing; the runner's own
 * test has it.
 */
export function workerEnvironment(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, ...rest } = process.env;
  return {
    NODE_COMPILE_CACHE: COMPILE_CACHE,
    ...scratchInMemory("/dev/shm"),
    ...(process.stdout.isTTY ? {} : { NO_COLOR: "1" }),
    ...rest,
  };
}

/** Most of what tests wait for are disks: each has databases of its own, which write down every step. */
function scratchInMemory(folder: string): { readonly TMPDIR?: string } {
  try {
    const mount = readFileSync("/proc/self/mounts", "utf8")
      .split("\n")
      .map((line) => line.split(" "))
      .find(([, at]) => at === folder);
    const isUsable = mount?.[2] === "tmpfs" && !mount[3]?.split(",").includes("noexec");
    const { bavail, bsize } = statfsSync(folder);
    return isUsable && bavail * bsize >= ROOM_BYTES ? { TMPDIR: folder } : {};
  } catch {
    return {};
  }
}
