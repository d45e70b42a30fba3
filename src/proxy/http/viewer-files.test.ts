import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError } from "#base/config.ts";
import { scratch } from "../../../test/harness/scratch.ts";
import { readViewerFiles } from "./viewer-files.ts";

test("files are listed by their path below the folder, with type and caching", async () => {
  await using folder = scratch();
  mkdirSync(join(folder.path, "assets"));
  writeFileSync(join(folder.path, "console.html"), "page");
  writeFileSync(join(folder.path, "icon.svg"), "icon");
  writeFileSync(join(folder.path, "assets", "main-Ab12_-34.js"), "script");
  writeFileSync(join(folder.path, "assets", "plain.strange"), "?");

  const files = await readViewerFiles(folder.path);

  const told = [...files].map(([name, { type, caching }]) => [name, type, caching]).sort();
  assert.deepEqual(told, [
    ["assets/main-Ab12_-34.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"],
    ["assets/plain.strange", "application/octet-stream", "no-cache"],
    ["console.html", "text/html; charset=utf-8", "no-store"],
    ["icon.svg", "image/svg+xml", "no-cache"],
  ]);
});

test("symbolic links are left out, to files and to folders", async () => {
  await using folder = scratch();
  await using outside = scratch();
  writeFileSync(join(folder.path, "console.html"), "page");
  writeFileSync(join(outside.path, "secret.html"), "secret");
  symlinkSync(join(outside.path, "secret.html"), join(folder.path, "linked.html"));
  symlinkSync(outside.path, join(folder.path, "linked"));

  assert.deepEqual([...(await readViewerFiles(folder.path)).keys()], ["console.html"]);
});

test("where no viewer was built, the complaint says how to build it", async () => {
  await using folder = scratch();

  for (const path of [folder.path, join(folder.path, "absent")]) {
    await assert.rejects(
      readViewerFiles(path),
      (error: unknown) => error instanceof ConfigError && /npm run build:web/.test(error.message),
    );
  }
});
