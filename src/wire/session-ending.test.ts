import assert from "node:assert/strict";
import { test } from "node:test";
import { endedBadly } from "./session-ending.ts";

const redeemedAt = "2026-11-28T12:00:00.000Z";

test("what failed or was cut has ended badly, and what was wanted or never used has not", () => {
  assert.equal(endedBadly({}), false, "one that goes on");
  assert.equal(endedBadly({ ending: { kind: "closed", code: "viewer_left" }, redeemedAt }), false);
  assert.equal(endedBadly({ ending: { kind: "refused", code: "session_ended" } }), false);
  assert.equal(endedBadly({ ending: { kind: "refused", code: "ticket_expired" } }), false);
  assert.equal(endedBadly({ ending: { kind: "refused", code: "ticket_expired" }, redeemedAt }), true);
  assert.equal(endedBadly({ ending: { kind: "failed", code: "upstream_lost" }, redeemedAt }), true);
});
