import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { scratch } from "../../../test/harness/scratch.ts";

const MODULE = fileURLToPath(new URL("compile-cache.ts", import.meta.url));

/** Runs the module as part of an installation in `root`, and then loads a source there. */
function run(root: string, env: Readonly<Record<string, string>> = {}): void {
  const folder = join(root, "src/base/process");
  mkdirSync(folder, { recursive: true });
  copyFileSync(MODULE, join(folder, "compile-cache.ts"));
  writeFileSync(join(root, "package.json"), '{"type":"module"}');
  writeFileSync(join(folder, "loaded.ts"), 'const text: string = "loaded"; console.log(text);');
  const program = `import { keepCompiled } from "./compile-cache.ts"; keepCompiled(); await import("./loaded.ts");`;
  writeFileSync(join(folder, "program.ts"), program);
  const { stdout, stderr } = spawnSync(process.execPath, [join(folder, "program.ts")], {
    encoding: "utf8",
    env,
  });
  assert.deepEqual({ stdout, stderr }, { stdout: "loaded\n", stderr: "" });
}

test("what Node made of the sources is kept beside them", async () => {
  await using root = scratch();

  run(root.path);

  const [version = "", ...others] = readdirSync(join(root.path, ".cache/compiled"));
  assert.deepEqual(others, []);
  assert.notDeepEqual(readdirSync(join(root.path, ".cache/compiled", version)), []);
});

test("where it cannot be written nothing is kept, and nothing fails", async () => {
  await using root = scratch();
  writeFileSync(join(root.path, ".cache"), "");

  run(root.path);
});

test("an operator says where instead, or that nothing is to be kept", async () => {
  await using root = scratch();
  const other = join(root.path, "other");

  run(root.path, { NODE_COMPILE_CACHE: other });
  run(root.path, { NODE_DISABLE_COMPILE_CACHE: "1" });

  assert.equal(existsSync(join(root.path, ".cache")), false);
  assert.equal(readdirSync(other).length, 1);
});
