import { delimiter, join } from "node:path";
import { command } from "./command.mjs";
import { during } from "./progress.mjs";
import { digest, isStamped, stamp } from "./stamp.mjs";

const SOURCES = ["src/web", "src/wire", "src/base", "src/protocols", "vite.config.ts", "package-lock.json"];

/** The viewer and the operator's pages, bundled into dist/web. */
export function webApps(root) {
  const stampPath = join(root, "dist", "web", ".porthole-setup");
  const bin = join(root, "node_modules", ".bin");
  return {
    isDone: () => isStamped(stampPath, digest(root, SOURCES)),
    run: () =>
      during("Building the web apps", async () => {
        // What is edited while Vite runs must count as newer than the result.
        const built = digest(root, SOURCES);
        await command(join(bin, "vite"), ["build"], {
          cwd: root,
          env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` },
          remedy: "The web apps do not build. “npm run build:web” shows the same with everything around it.",
        });
        stamp(stampPath, built);
      }),
  };
}
