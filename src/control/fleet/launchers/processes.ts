import { readdir, readFile } from "node:fs/promises";

/** The processes of this machine, as /proc has them, by what is found in their arguments; those without are left out. */
export async function processesBy(
  find: (args: readonly string[]) => string | undefined,
): Promise<ReadonlyMap<string, number>> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = new Map<string, number>();
  for (const pid of pids) {
    const name = find((await readArguments(pid)).split("\0"));
    if (name !== undefined) found.set(name, Number(pid));
  }
  return found;
}

/** Empty for one that has ended, also where nobody has taken note of that yet, and for those of the kernel. */
async function readArguments(pid: string): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
