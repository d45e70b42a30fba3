import { spawnSync } from "node:child_process";

/** What every process may call, whatever a unit says. */
const ALWAYS = "@default";

/**
 * What a unit's SystemCallFilter leaves, as a profile for a container runtime: what is not on the list is answered with
 * EPERM, as the unit says.
 */
export function seccompProfile(unit: string): string {
  const [allowed = "", ...refused] = [...unit.matchAll(/^SystemCallFilter=(~?)(.+)$/gm)].map(
    ([, , names = ""]) => names,
  );
  const take = allowed.split(" ").flatMap(callsOf);
  const leave = refused.flatMap((names) => names.split(" ")).flatMap(callsOf);
  const names = new Set([...take.filter((name) => !leave.includes(name)), ...callsOf(ALWAYS)]);
  const syscalls = [{ names: [...names].sort(), action: "SCMP_ACT_ALLOW" }];
  return JSON.stringify({ defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 1, syscalls });
}

/** The calls of a set, and of the sets in it. */
function callsOf(name: string): string[] {
  if (!name.startsWith("@")) return name === "" ? [] : [name];
  const { stdout } = spawnSync("systemd-analyze", ["syscall-filter", name], { encoding: "utf8" });
  const [, ...lines] = stdout.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "" && !line.startsWith("#")).flatMap(callsOf);
}
