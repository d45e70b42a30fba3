import assert from "node:assert/strict";
import { test } from "node:test";
import { selfCheckLimits } from "#wire/self-check.ts";
import { told } from "./told.ts";

test("of more lines than are told it is said how many are left out", () => {
  const lines = Array.from({ length: selfCheckLimits.lines + 3 }, () => ({
    check: "node.hypervisor",
    finding: "ok",
  }));

  const { lines: all } = told({ lines, entrances: [], origin: "http://control.example", now: 0 });
  const { lines: few } = told({
    lines: lines.slice(3),
    entrances: [],
    origin: "http://control.example",
    now: 0,
  });

  assert.equal(all.length, selfCheckLimits.lines);
  assert.deepEqual(all.at(-1)?.finding, "skipped_left_out");
  assert.equal(all.at(-1)?.facts["left out"], `4 / ${lines.length}`);
  assert.ok(few.every(({ finding }) => finding === "ok"));
});
