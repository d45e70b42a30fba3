import { readFileSync } from "node:fs";
import type { UserConfig } from "vite";

/**
 * Packages that are hundreds of modules, by themselves or with what they bring, each made a few files in dist/modules, which our
 * processes load by `src/base/process/quick-resolution.ts`: most of a start was to find and to link those modules. Only such as have
 * ECMAScript's modules and read no files beside themselves; with every entry that we or our other dependencies import, so that
 * nothing is there twice.
 */
const ENTRIES: Readonly<Record<string, readonly string[]>> = {
  "@peculiar/x509": ["."],
  asn1js: ["."],
  jose: ["."],
  kysely: [".", "./migration"],
  typebox: [".", "./compile", "./format", "./schema", "./system", "./value"],
};

const specifiers = Object.entries(ENTRIES).flatMap(([name, paths]) =>
  paths.map((path) => name + path.slice(1)),
);

function nameOf(specifier: string): string {
  return specifier.replace("@", "").replaceAll("/", "-");
}

function versionOf(name: string): string {
  return JSON.parse(readFileSync(`${import.meta.dirname}/node_modules/${name}/package.json`, "utf8")).version;
}

/** What is there, for those who load it: of which versions, and in which file each import is found. */
function index(): string {
  return JSON.stringify({
    versions: Object.fromEntries(Object.keys(ENTRIES).map((name) => [name, versionOf(name)])),
    files: Object.fromEntries(specifiers.map((each) => [each, `${nameOf(each)}.js`])),
  });
}

export default {
  publicDir: false,
  ssr: { noExternal: true, target: "node" },
  build: {
    ssr: true,
    outDir: `${import.meta.dirname}/dist/modules`,
    emptyOutDir: true,
    target: "node24",
    license: { fileName: "licenses.txt" },
    rolldownOptions: {
      input: Object.fromEntries(specifiers.map((each) => [nameOf(each), each])),
      output: { entryFileNames: "[name].js", chunkFileNames: "[name]-[hash].js" },
    },
  },
  plugins: [
    {
      name: "porthole:index",
      generateBundle() {
        this.emitFile({ type: "asset", fileName: "index.json", source: index() });
      },
    },
  ],
} satisfies UserConfig;
