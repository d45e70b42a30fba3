import { delimiter, join } from "node:path";
import { command } from "./command.mjs";
import { during } from "./progress.mjs";
import { digest, isStamped, stamp } from "./stamp.mjs";

const WEB_SOURCES = [
  "src/web",
  "src/wire",
  "src/base",
  "src/protocols",
  "src/proxy/http/content-coding.ts",
  "vite.config.ts",
  "package-lock.json",
];

/** The viewer and the operator's pages, bundled into dist/web. */
export function webApps(root) {
  return built(root, {
    what: "Building the web apps",
    sources: WEB_SOURCES,
    target: "web",
    args: [],
    remedy: "The web apps do not build. “npm run build:web” shows the same with everything around it.",
  });
}

/** What our processes load of their largest dependencies, bundled into dist/modules. */
export function modules(root) {
  return built(root, {
    what: "Bundling dependencies",
    sources: ["vite.modules.ts", "package-lock.json"],
    target: "modules",
    args: ["--config", "vite.modules.ts"],
    remedy: "The dependencies are not as package-lock.json has them. Remove node_modules and try again.",
  });
}

/** What Vite makes of these sources in a folder of dist. */
function built(root, { what, sources, target, args, remedy }) {
  const stampPath = join(root, "dist", target, ".porthole-setup");
  const bin = join(root, "node_modules", ".bin");
  return {
    isDone: () => isStamped(stampPath, digest(root, sources)),
    run: () =>
      during(what, async () => {
        // What is edited while Vite runs must count as newer than the result.
        const seen = digest(root, sources);
        await command(join(bin, "vite"), ["build", ...args], {
          cwd: root,
          env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` },
          remedy,
        });
        stamp(stampPath, seen);
      }),
  };
}
