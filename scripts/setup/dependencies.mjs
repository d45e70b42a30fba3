import { delimiter, join } from "node:path";
import { command, StepError } from "./command.mjs";
import { during } from "./progress.mjs";
import { digest, isStamped, stamp } from "./stamp.mjs";

/**
 * The packages of package-lock.json. `npm install --no-save` obeys the lock and writes nothing beside
 * node_modules; `npm ci` insists on optional packages of other platforms that not every registry carries.
 */
export function dependencies(root) {
  const stampPath = join(root, "node_modules", ".porthole-setup");
  const wanted = () => digest(root, ["package.json", "package-lock.json"]);
  return {
    isDone: () => isStamped(stampPath, wanted()),
    run: () =>
      during("Installing dependencies with npm", async () => {
        await command("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--include=dev"], {
          cwd: root,
          env: npmEnvironment(root),
          remedy: "Check that the npm registry can be reached (npm ping), then run the same command again.",
        });
        await checkInstalledNode(root);
        stamp(stampPath, wanted());
      }),
  };
}

/**
 * Under `npm start --silent` a child npm would be silent about its errors too. And it must run on the machine's
 * own Node: the one in node_modules is what it may be replacing.
 */
function npmEnvironment(root) {
  const path = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => folder !== join(root, "node_modules", ".bin"))
    .join(delimiter);
  const env = { ...process.env, PATH: path, npm_config_loglevel: "error", npm_config_progress: "false" };
  for (const name of ["npm_config_ignore_scripts", "npm_config_omit", "npm_config_dry_run"]) delete env[name];
  return env;
}

/** The sources need Node 24, which comes as a package whose install script fetches the right build. */
async function checkInstalledNode(root) {
  const node = join(root, "node_modules", ".bin", "node");
  const version = await command(node, ["--version"], {
    remedy:
      "npm installed the package “node” without its program. Remove node_modules, see that install scripts" +
      " are allowed (npm config get ignore-scripts), and run the same command again.",
  });
  if (Number.parseInt(version.slice(1), 10) < 24)
    throw new StepError(
      `${node} is ${version.trim()}, and Porthole needs 24. Remove node_modules and try again.`,
    );
}
