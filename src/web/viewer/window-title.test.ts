import assert from "node:assert/strict";
import { test } from "node:test";
import { windowTitle } from "./window-title.ts";

const meaning = "This link was already used.";

for (const [title, machine, over] of [
  ["web-1", "web-1", false],
  ["web-1 · This link was already used", "web-1", true],
  ["Console", undefined, false],
  ["This link was already used · Console", undefined, true],
] as const)
  test(`a window of ${machine ?? "a machine without a name"} that is ${over ? "over" : "open"} is called “${title}”`, () => {
    const given = { machine, meaning: over ? meaning : undefined, untitled: "Console" };

    assert.equal(windowTitle(given), title);
  });
