import assert from "node:assert/strict";
import { test } from "node:test";
import { isPublicPath, parsePublicPath } from "./public-path.ts";

for (const [text, path] of [
  ["/console", "/console"],
  ["/console/", "/console"],
  ["/cloud/console.v2", "/cloud/console.v2"],
] as const)
  test(`“${text}” is ${path}`, () => {
    assert.equal(parsePublicPath(text), path);
    assert.ok(isPublicPath(path));
  });

for (const text of [
  "",
  "/",
  "console",
  "//x",
  "/a//b",
  "/..",
  "/a/../b",
  "/./a",
  "/a b",
  "/a?b",
  "/a#b",
  "/a%2fb",
])
  test(`“${text}” is no path`, () => assert.throws(() => parsePublicPath(text), /must be a path/));
