import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { scratch } from "../../../test/harness/scratch.ts";

const MODULE = fileURLToPath(new URL("quick-resolution.ts", import.meta.url));
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** What a program says that imports the package “many”, of which an installation has these files. */
function said(root: string, files: Readonly<Record<string, string>>): string {
  const all = {
    "package.json": '{"type":"module","imports":{"#*":"./src/*"}}',
    "node_modules/many/package.json": '{"version":"1.2.3","type":"module","exports":"./index.js"}',
    "node_modules/many/index.js": 'export const from = "the package";',
    "src/base/process/program.ts": `import { resolveQuickly } from "./quick-resolution.ts";
      resolveQuickly();
      console.log((await import("many")).from);`,
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  copyFileSync(MODULE, join(root, "src/base/process/quick-resolution.ts"));
  const { stdout, stderr } = spawnSync(process.execPath, [join(root, "src/base/process/program.ts")], {
    encoding: "utf8",
  });
  assert.equal(stderr, "");
  return stdout.trim();
}

const BUNDLE = 'export const from = "the bundle";';
const indexOf = (version: string) =>
  JSON.stringify({ versions: { many: version }, files: { many: "many.js" } });

test("a package that set-up has bundled comes out of its bundle", async () => {
  await using root = scratch();

  const from = said(root.path, {
    "dist/modules/many.js": BUNDLE,
    "dist/modules/index.json": indexOf("1.2.3"),
  });

  assert.equal(from, "the bundle");
});

test("a bundle of another version than what is installed is not loaded", async () => {
  await using root = scratch();

  const from = said(root.path, {
    "dist/modules/many.js": BUNDLE,
    "dist/modules/index.json": indexOf("1.2.4"),
  });

  assert.equal(from, "the package");
});

test("without bundles, and with what cannot be read, packages are loaded themselves", async () => {
  await using root = scratch();

  assert.equal(said(root.path, {}), "the package");
  assert.equal(said(root.path, { "dist/modules/index.json": "{" }), "the package");
});

test("our own modules are found by their names", async () => {
  await using root = scratch();
  const own = "#base/process";

  const from = said(root.path, {
    "src/base/process/program.ts": `import { resolveQuickly } from "./quick-resolution.ts";
      resolveQuickly();
      console.log((await import("${own}/first.ts")).from);`,
    "src/base/process/first.ts": 'export { from } from "./second.ts";',
    "src/base/process/second.ts": 'export const from = "beside" satisfies string;',
  });

  assert.equal(from, "beside");
});

test("whatever the sources import of what is bundled, set-up has bundled", () => {
  const { versions, files } = JSON.parse(readFileSync(join(ROOT, "dist/modules/index.json"), "utf8"));
  const sources = globSync("src/**/*.ts", { cwd: ROOT }).map((file) =>
    readFileSync(join(ROOT, file), "utf8"),
  );
  const imported = new Set(
    sources.flatMap((text) =>
      [...text.matchAll(/^(?:import|export|\}) .*from "([^"]+)"/gm)].map(([, name = ""]) => name),
    ),
  );
  const ofBundled = [...imported].filter((name) =>
    Object.keys(versions).some((bundled) => `${name}/`.startsWith(`${bundled}/`)),
  );

  assert.ok(ofBundled.length >= 5, "there are imports to look at");
  assert.deepEqual(
    ofBundled.filter((name) => !(name in files)),
    [],
  );
});
