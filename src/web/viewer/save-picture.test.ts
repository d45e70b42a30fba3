import assert from "node:assert/strict";
import { test } from "node:test";
import { pictureName } from "./save-picture.ts";

const AT = new Date("2026-11-22T01:02:03.456Z");

test("a picture is named after its machine and the time", () => {
  assert.equal(pictureName("web-1.example", AT), "web-1.example-2026-11-22T01-02-03.png");
});

test("no name of a machine leads out of the folder or hides the file", () => {
  assert.equal(pictureName("../../etc/passwd", AT), "etc-passwd-2026-11-22T01-02-03.png");
  assert.equal(pictureName(".bashrc", AT), "bashrc-2026-11-22T01-02-03.png");
  assert.equal(pictureName('a/b\\c:"<>|?*\n', AT), "a-b-c-2026-11-22T01-02-03.png");
});

test("a machine without a usable name, or with a very long one, still gives a file", () => {
  assert.equal(pictureName("???", AT), "console-2026-11-22T01-02-03.png");
  assert.equal(pictureName("x".repeat(128), AT).length, 64 + "-2026-11-22T01-02-03.png".length);
});
