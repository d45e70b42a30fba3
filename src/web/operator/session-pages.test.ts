import assert from "node:assert/strict";
import { test } from "node:test";
import type { Session, SessionState } from "#wire/api.ts";
import { type SessionPages, withNewest, withOlder } from "./session-pages.ts";

function session(id: string, state: SessionState = "active"): Session {
  return {
    id,
    state,
    machineId: "m",
    machine: "web-1",
    projectId: "p",
    accountId: "account",
    account: "admin",
    protocol: "rfb",
    viewOnly: false,
    nodeId: "n",
    createdAt: "2026-11-22T00:00:00Z",
    creatorAddress: "192.0.2.1",
    bytesToViewer: 0,
    bytesFromViewer: 0,
  };
}

const ids = ({ sessions }: SessionPages) => sessions.map(({ id }) => id).join("");

test("older pages are added behind, until there is none", () => {
  const first = withNewest(undefined, { items: [session("d"), session("c")], next: "c" });
  const both = withOlder(first, { items: [session("b"), session("a")] });

  assert.equal(ids(both), "dcba");
  assert.equal(both.next, undefined);
});

test("new sessions come before the known ones, and known ones change in place", () => {
  const known = { sessions: [session("d"), session("c"), session("b"), session("a")], next: "a" };

  const updated = withNewest(known, {
    items: [session("e"), session("d", "ended"), session("c")],
    next: "c",
  });

  assert.equal(ids(updated), "edcba");
  assert.equal(updated.sessions[1]?.state, "ended");
  assert.equal(updated.next, "a");
});

test("where more is new than a page holds, nothing is shown across the gap", () => {
  const known = { sessions: [session("b"), session("a")], next: "a" };

  const updated = withNewest(known, { items: [session("z"), session("y")], next: "y" });

  assert.equal(ids(updated), "zy");
  assert.equal(updated.next, "y");
});

test("a page that is all there is replaces what was known", () => {
  const known = { sessions: [session("b"), session("a")] };

  assert.equal(ids(withNewest(known, { items: [session("c")] })), "c");
});
