import assert from "node:assert/strict";
import { test } from "node:test";
import { SESSION_STATES } from "#wire/api.ts";
import { statesBefore } from "./states.ts";

test("a session goes from pending over active to its end, and may end early", () => {
  assert.deepEqual(statesBefore("pending"), []);
  assert.deepEqual(statesBefore("active"), ["pending", "detached"]);
  assert.deepEqual(statesBefore("detached"), ["active"]);
  assert.deepEqual(statesBefore("closing"), ["pending", "active", "detached"]);
  assert.deepEqual(statesBefore("ended"), ["pending", "active", "detached", "closing"]);
});

test("nothing comes back from its end", () => {
  for (const state of SESSION_STATES) assert.ok(!statesBefore(state).includes("ended"));
});
