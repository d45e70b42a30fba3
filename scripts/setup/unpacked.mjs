import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { has, privilege, withPackageLists } from "./apt.mjs";
import { command, StepError } from "./command.mjs";
import { during, say } from "./progress.mjs";
import { digest, isStamped, stamp } from "./stamp.mjs";

/**
 * A peer of the tests that is made of Debian packages without installing them, in .cache/NAME: that takes no root,
 * and nothing of the machine's own changes. `build(folder)` makes it; `sources` are the files that say how. Not
 * getting it is no failure: see report.mjs.
 */
export function unpackedPeer(root, { name, title, sources, build }) {
  const folder = join(root, ".cache", name);
  const stampPath = join(folder, "stamp");
  let obstacle = "";
  const isDone = () => isStamped(stampPath, digest(root, sources));
  return {
    isDone,
    run: async () => {
      try {
        await during(title, () => withPackageLists(privilege(), () => rebuild(folder, build)));
        stamp(stampPath, digest(root, sources));
      } catch (error) {
        if (!(error instanceof StepError)) throw error;
        say(`${error.message}\nGoing on without; the tests that need it will be skipped, and say so.`);
        obstacle = error.message.split("\n")[0];
      }
    },
    missing: () => (isDone() ? [] : [[name, `${name} could not be prepared: ${obstacle}`]]),
  };
}

async function rebuild(folder, build) {
  if (!has("apt-get") || !has("dpkg-deb"))
    throw new StepError("It is made of Debian packages, and this machine has no apt-get.");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await build(folder);
}

/** Downloads packages and unpacks them, files alone, below `folder`. */
export async function unpack(folder, names) {
  await command("apt-get", ["download", "-q", ...names], {
    cwd: folder,
    remedy: "Debian's package lists may be too old: run apt-get update as root, then the same command again.",
  });
  for (const name of readdirSync(folder).filter((each) => each.endsWith(".deb"))) {
    await command("dpkg-deb", ["-x", join(folder, name), folder]);
    rmSync(join(folder, name));
  }
}

/** Which packages would be installed for these, on this machine. Asks without doing it, which takes no root. */
export async function wouldInstall(names) {
  const output = await command("apt-get", ["install", "--simulate", "--no-install-recommends", ...names]);
  return [...output.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name);
}
