import assert from "node:assert/strict";
import { test } from "node:test";
import { isAsLastHeard, shownState } from "./machine-state.ts";

test("a machine runs where its hypervisor says so, and of one by hand it is known only that it does not", () => {
  assert.equal(shownState({ state: "running", power: "running" }), "running");
  assert.equal(shownState({ state: "running", power: "paused" }), "paused");
  assert.equal(shownState({ state: "running", power: "unknown" }), "unknown");
  assert.equal(shownState({ state: "running" }), "unknown");
  assert.equal(shownState({ state: "stopped" }), "stopped");
});

test("what a hypervisor said that is not heard of now is told as that", () => {
  const machine = { state: "running", power: "running" } as const;

  assert.ok(isAsLastHeard({ ...machine, hypervisorState: "down" }));
  assert.ok(!isAsLastHeard({ ...machine, hypervisorState: "up" }));
  assert.ok(!isAsLastHeard({ ...machine, power: "unknown", hypervisorState: "down" }), "nothing was heard");
  assert.ok(!isAsLastHeard({ state: "running" }), "it has none");
});
