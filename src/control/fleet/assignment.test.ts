import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assign, type Candidate } from "./assignment.ts";

const node = (id: string, sessions = 0, maximumSessions: number | null = 10): Candidate => ({
  id,
  sessions,
  maximumSessions,
});

test("without nodes there is none", () => {
  assert.equal(assign([], undefined), undefined);
  assert.equal(assign([], "a"), undefined);
});

test("the first node with room is taken", () => {
  assert.equal(assign([node("a", 10), node("b", 9), node("c")], undefined)?.id, "b");
});

test("a machine goes back to its node, whatever the load there", () => {
  assert.equal(assign([node("a"), node("b", 9)], "b")?.id, "b");
});

test("a machine leaves its node when that is full, or gone", () => {
  assert.equal(assign([node("a"), node("b", 10)], "b")?.id, "a");
  assert.equal(assign([node("a")], "b")?.id, "a");
});

test("a node without a limit is never full", () => {
  assert.equal(assign([node("a", 1_000_000, null)], undefined)?.id, "a");
});

test("when all are full nobody gets one more", () => {
  assert.equal(assign([node("a", 10), node("b", 11)], "b"), undefined);
});

test("whatever the fleet, a full node is never picked, and one with room always found", () => {
  const candidate = fc.record({
    id: fc.constantFrom("a", "b", "c", "d"),
    sessions: fc.nat(5),
    maximumSessions: fc.option(fc.nat(5)),
  });
  const hasRoom = ({ sessions, maximumSessions }: Candidate) =>
    maximumSessions === null || sessions < maximumSessions;

  fc.assert(
    fc.property(
      fc.array(candidate),
      fc.option(fc.constantFrom("a", "x"), { nil: undefined }),
      (fleet, previous) => {
        const picked = assign(fleet, previous);

        assert.equal(picked !== undefined, fleet.some(hasRoom));
        if (picked !== undefined) assert.ok(hasRoom(picked));
      },
    ),
  );
});
