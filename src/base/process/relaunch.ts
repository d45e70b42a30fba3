import { readFileSync } from "node:fs";

/** What every process that serves starts Node with. */
const SERVER_OPTIONS = [
  // Node lets its young generation grow to 64 MB in each of two halves, and never gives that back. What our processes
  // keep is old soon or gone at once, so a quarter does as well, and each takes a hundred megabytes less.
  "--max-semi-space-size=16",
] as const;

/** What control starts Node with as well. */
const CONTROL_OPTIONS = [
  // V8 has four threads for what it does aside: compiling, and helping to collect garbage. On a small machine they take the
  // cores from control and its database for 40 to 80 ms now and then. A node keeps them: its memory would grow with one.
  "--v8-pool-size=1",
] as const;

/**
 * Gives the process what Node cannot change about itself while it runs, by replacing it, in place, with one that
 * has it: core files off, and, for a `role`, which serves, its options. Does nothing where that is already so.
 *
 * INVARIANT: no process of ours leaves a core file, which would hold every secret that was in memory.
 */
export function relaunch({ role }: { readonly role: string | undefined }): void {
  // A channel to the parent would not survive it; the parent has seen to both, and its children inherit them.
  if (process.channel !== undefined) return;
  const options = role === undefined ? process.execArgv : serverOptions(role, process.execArgv);
  if (!coreFilesOn() && options.length === process.execArgv.length) return;
  process.execve?.("/bin/sh", [
    "sh",
    "-c",
    'ulimit -c 0 && exec "$@"',
    "sh",
    process.execPath,
    ...options,
    ...process.argv.slice(1),
  ]);
}

/** Node's options for a process of that role: those given, and ours where they say nothing else. */
export function serverOptions(role: string, given: readonly string[]): readonly string[] {
  const isGiven = (option: string) => given.some((other) => nameOf(other) === nameOf(option));
  const ours = role === "control" ? [...SERVER_OPTIONS, ...CONTROL_OPTIONS] : SERVER_OPTIONS;
  return [...given, ...ours.filter((option) => !isGiven(option))];
}

/**
 * Node's options for a process of that role: an operator's, from the process that starts it. Control's own are not handed on; nobody can
 * tell them from the same words of an operator's.
 */
export function inheritedOptions(
  role: string,
  parent: { readonly role: string | undefined; readonly options: readonly string[] },
): readonly string[] {
  const own: readonly string[] = parent.role === "control" ? CONTROL_OPTIONS : [];
  return serverOptions(
    role,
    parent.options.filter((option) => !own.includes(option)),
  );
}

/** Node takes underscores as well. */
function nameOf(option: string): string {
  return option.replace(/=.*/s, "").replaceAll("_", "-");
}

/** There is no telling without /proc. */
function coreFilesOn(): boolean {
  try {
    const softLimit = /^Max core file size\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return softLimit !== undefined && softLimit !== "0";
  } catch {
    return false;
  }
}
