import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, OUTDATED, type Standing } from "./pacing-verdict.ts";

/** A machine with a password of its own, of which nothing is known, and a console that nobody else asks for. */
const ALONE: Standing = {
  now: 1_000_000,
  has_password: 1,
  platform: null,
  has_session_passwords: null,
  failures: null,
  next_at: null,
  state: "pending",
  ending_code: null,
  trying_since: null,
  others: 0,
  own: 0,
};

const kindOf = (standing: Partial<Standing>) => judge({ ...ALONE, ...standing }).kind;

test("nobody tries what cannot be wrong: no password, libvirt's own, or one that was set for the session", () => {
  assert.equal(kindOf({ has_password: 0 }), "go");
  assert.equal(kindOf({ has_password: 0, platform: "libvirt", has_session_passwords: 0 }), "go");
  assert.equal(kindOf({ has_password: 1, platform: "libvirt", has_session_passwords: 1 }), "go");

  assert.equal(kindOf({ has_password: 1, platform: "libvirt", has_session_passwords: 0 }), "try");
  assert.equal(kindOf({ has_password: 0, platform: "command", has_session_passwords: 0 }), "try");
  assert.equal(kindOf({ has_password: 0, failures: 1 }), "try", "it was wrong once");
});

test("failures and attempts that are under way fill the same places", () => {
  const kinds = [0, 1, 2].map((failures) =>
    [0, 1, 2, 3].map((others) => kindOf({ failures: failures === 0 ? null : failures, others })),
  );

  assert.deepEqual(kinds, [
    ["try", "try", "try", "wait"],
    ["try", "try", "wait", "wait"],
    ["try", "wait", "wait", "wait"],
  ]);
});

test("of several places one is somebody else's", () => {
  assert.equal(kindOf({ others: 2, own: 2 }), "wait");
  assert.equal(kindOf({ others: 2, own: 1 }), "try");
  assert.equal(kindOf({ failures: 1, others: 1, own: 1 }), "wait");
  assert.equal(kindOf({ failures: 1, others: 1, own: 0 }), "try");
});

test("after three failures one tries when it is due, and others wait while it does", () => {
  const failed = { failures: 3, next_at: ALONE.now + 1 };

  assert.equal(kindOf(failed), "refuse");
  assert.equal(kindOf({ ...failed, others: 1 }), "wait");
  assert.equal(kindOf({ ...failed, next_at: ALONE.now }), "try");
  assert.equal(kindOf({ ...failed, next_at: ALONE.now, others: 1 }), "wait");
});

test("who was let through is so when it is asked again, unless the password has changed since", () => {
  assert.equal(kindOf({ trying_since: 1, others: 3 }), "go");
  assert.equal(kindOf({ trying_since: OUTDATED, others: 3 }), "wait");
  assert.equal(kindOf({ state: "closing", trying_since: 1 }), "refuse");
  assert.equal(judge(undefined).kind, "go", "the grant says that the machine is gone");
});
