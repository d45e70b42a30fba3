import { spawnSync } from "node:child_process";
import { command, StepError } from "./command.mjs";

/**
 * Does something with Debian packages, and where that fails once more with fresh package lists: fetching them takes
 * longer than installing, and mostly the ones that are there will do. `prefix` is what `privilege` said.
 */
export async function withPackageLists(prefix, work) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StepError) || typeof prefix === "string") throw error;
    await aptGet(prefix, ["update"]);
    return await work();
  }
}

/** Never removes anything of the machine's own to make room, and waits for whoever else uses dpkg. */
export async function aptGet(prefix, [verb, ...names]) {
  const options = ["-y", "-qq", "-o", "DPkg::Lock::Timeout=120"];
  if (verb === "install") options.push("--no-install-recommends", "--no-remove");
  const words = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", ...options, verb, ...names];
  const [program, ...args] = words;
  await command(program, args);
}

/** The words that make a command run as root, or why there are none, as a string. */
export function privilege() {
  if (!has("apt-get")) return "this machine has no apt-get";
  if (process.getuid?.() === 0) return [];
  if (has("sudo") && spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0)
    return ["sudo", "-n"];
  return "installing packages takes root, or sudo without a password";
}

export function has(program) {
  return spawnSync("which", [program], { stdio: "ignore" }).status === 0;
}
