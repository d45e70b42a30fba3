import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
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

  const files = readViewerFiles(folder.path);

  const told = [...files].map(([name, { type, caching }]) => [name, type, caching]).sort();
  assert.deepEqual(told, [
    ["assets/main-Ab12_-34.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"],
    ["assets/plain.strange", "application/octet-stream", "no-cache"],
    ["console.html", "text/html; charset=utf-8", "no-store"],
    ["icon.svg", "image/svg+xml", "no-cache"],
  ]);
});

test("what was built beside a file is its encoded forms, and no file of its own; of one that was changed since there are none", async () => {
  await using folder = scratch();
  const page = "the page ".repeat(200);
  writeFileSync(join(folder.path, "console.html"), page);
  writeFileSync(join(folder.path, "console.html.br"), brotliCompressSync(page));
  writeFileSync(join(folder.path, "console.html.gz"), gzipSync(page));
  writeFileSync(join(folder.path, "changed.html"), `${page}!`);
  writeFileSync(join(folder.path, "changed.html.br"), brotliCompressSync(page));
  writeFileSync(join(folder.path, "archive.gz"), "of nothing here");

  const files = readViewerFiles(folder.path);

  const forms = [...files].map(([name, { encoded }]) => [name, encoded.map(({ coding }) => coding)]).sort();
  assert.deepEqual(forms, [
    ["archive.gz", []],
    ["changed.html", []],
    ["console.html", ["br", "gzip"]],
  ]);
});

test("symbolic links are left out, to files and to folders", async () => {
  await using folder = scratch();
  await using outside = scratch();
  writeFileSync(join(folder.path, "console.html"), "page");
  writeFileSync(join(outside.path, "secret.html"), "secret");
  symlinkSync(join(outside.path, "secret.html"), join(folder.path, "linked.html"));
  symlinkSync(outside.path, join(folder.path, "linked"));

  assert.deepEqual([...readViewerFiles(folder.path).keys()], ["console.html"]);
});

test("where no viewer was built, the complaint says how to build it", async () => {
  await using folder = scratch();

  for (const path of [folder.path, join(folder.path, "absent")]) {
    assert.throws(
      () => readViewerFiles(path),
      (error: unknown) => error instanceof ConfigError && /npm run build:web/.test(error.message),
    );
  }
});
