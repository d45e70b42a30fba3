import { spawnSync } from "node:child_process";
import { command, StepError } from "./command.mjs";
import { during, say } from "./progress.mjs";

/** Debian packages that tests and benchmark use. Not getting them is no failure: see report.mjs. */
export function debianPackages(names) {
  let obstacle = "";
  return {
    isDone: () => missing(names).length === 0,
    run: async () => {
      const wanted = missing(names);
      const prefix = privilege();
      if (typeof prefix === "string") {
        obstacle = prefix;
        say(`Not installing ${wanted.join(", ")}: ${obstacle}`);
        return;
      }
      try {
        await during(`Installing Debian packages: ${wanted.join(" ")}`, () => install(prefix, wanted));
      } catch (error) {
        if (!(error instanceof StepError)) throw error;
        say(`${error.message}\nGoing on without; the tests that need them will be skipped, and say so.`);
        obstacle = `apt-get could not install it: ${error.message.split("\n")[0]}`;
      }
    },
    missing: () =>
      missing(names).map((name) => [name, `the Debian package ${name} is not installed: ${obstacle}`]),
  };
}

/** Package lists are fetched only where the ones that are there do not do: it takes longer than installing. */
async function install(prefix, names) {
  try {
    await aptGet(prefix, ["install", ...names]);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    await aptGet(prefix, ["update"]);
    await aptGet(prefix, ["install", ...names]);
  }
}

/** Never removes anything of the machine's own to make room, and waits for whoever else uses dpkg. */
async function aptGet(prefix, [verb, ...names]) {
  const options = ["-y", "-qq", "-o", "DPkg::Lock::Timeout=120"];
  if (verb === "install") options.push("--no-install-recommends", "--no-remove");
  const words = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", ...options, verb, ...names];
  const [program, ...args] = words;
  await command(program, args);
}

/** The words that make a command run as root, or why there are none. */
function privilege() {
  if (!has("apt-get")) return "this machine has no apt-get";
  if (process.getuid?.() === 0) return [];
  if (has("sudo") && spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0)
    return ["sudo", "-n"];
  return "installing packages takes root, or sudo without a password";
}

function has(program) {
  return spawnSync("which", [program], { stdio: "ignore" }).status === 0;
}

function missing(names) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the format language of dpkg-query.
  const format = "${Package} ${db:Status-Status}\n";
  const { stdout } = spawnSync("dpkg-query", ["-W", "-f", format, ...names], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const installed = new Set((stdout ?? "").split("\n"));
  return names.filter((name) => !installed.has(`${name} installed`));
}
