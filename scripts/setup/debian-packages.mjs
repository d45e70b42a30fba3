import { spawnSync } from "node:child_process";
import { aptGet, privilege, withPackageLists } from "./apt.mjs";
import { StepError } from "./command.mjs";
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
        await during(`Installing Debian packages: ${wanted.join(" ")}`, () =>
          withPackageLists(prefix, () => aptGet(prefix, ["install", ...wanted])),
        );
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
