import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

const ROOT = new URL("../../../", import.meta.url).href;
const BUNDLES = new URL("dist/modules/", ROOT).href;

/** What `vite.modules.ts` writes. */
interface Index {
  readonly versions: Readonly<Record<string, string>>;
  /** By what is imported. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * Finds modules without looking for them, from here on. Packages of hundreds of modules come out of the few files that set-up has
 * made of them; where there are none, or they are of other versions than what is installed, the packages themselves are loaded. And our
 * own modules are where their names say: to be sure of that, Node takes a tenth of a second for each process.
 */
export function resolveQuickly(): void {
  const bundled = new Map(Object.entries(bundledFiles()));
  registerHooks({
    resolve(specifier, context, next) {
      const own = ownModule(specifier, context.parentURL);
      if (own !== undefined) return { url: own, format: "module-typescript", shortCircuit: true };
      const file = bundled.get(specifier);
      if (file !== undefined) return { url: BUNDLES + file, format: "module", shortCircuit: true };
      return next(specifier, context);
    },
  });
}

/** Undefined for whatever is no source of ours that another one names. */
function ownModule(specifier: string, parent: string | undefined): string | undefined {
  if (!specifier.endsWith(".ts") || parent?.startsWith(ROOT) !== true) return undefined;
  if (specifier.startsWith("#")) return `${ROOT}src/${specifier.slice(1)}`;
  if (specifier.startsWith(".")) return new URL(specifier, parent).href;
  return undefined;
}

function bundledFiles(): Index["files"] {
  try {
    const { versions, files }: Index = JSON.parse(readFileSync(new URL("index.json", BUNDLES), "utf8"));
    return Object.entries(versions).every(([name, version]) => installedVersion(name) === version)
      ? files
      : {};
  } catch {
    return {};
  }
}

function installedVersion(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, ROOT), "utf8")).version;
}
