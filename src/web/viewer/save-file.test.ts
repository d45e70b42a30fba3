import assert from "node:assert/strict";
import { test } from "node:test";
import { fileName } from "./save-file.ts";

const AT = new Date("2026-11-22T01:02:03.456Z");

test("a file is named after its machine and the time", () => {
  assert.equal(fileName("web-1.example", AT, "png"), "web-1.example-2026-11-22T01-02-03.png");
});

test("no name of a machine leads out of the folder or hides the file", () => {
  assert.equal(fileName("../../etc/passwd", AT, "png"), "etc-passwd-2026-11-22T01-02-03.png");
  assert.equal(fileName(".bashrc", AT, "png"), "bashrc-2026-11-22T01-02-03.png");
  assert.equal(fileName('a/b\\c:"<>|?*\n', AT, "png"), "a-b-c-2026-11-22T01-02-03.png");
});

test("a machine without a usable name, or with a very long one, still gives a file", () => {
  assert.equal(fileName("???", AT, "png"), "console-2026-11-22T01-02-03.png");
  assert.equal(fileName("x".repeat(128), AT, "png").length, 64 + "-2026-11-22T01-02-03.png".length);
});
