import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type AssignmentPolicy, assign, type Bonds, type Candidate } from "./assignment.ts";

const FILL: AssignmentPolicy = { sessionMax: 10, order: "first-available" };
const SPREAD: AssignmentPolicy = { sessionMax: 10, order: "least-loaded" };

const node = (id: string, sessions = 0, more: Partial<Candidate> = {}): Candidate => ({
  id,
  sessions,
  maximumSessions: 100,
  isDraining: false,
  ...more,
});

/** As `id of places`. */
function assigned(fleet: readonly Candidate[], bonds: Bonds = {}, policy = FILL): string {
  const answer = assign(fleet, bonds, policy);
  return typeof answer === "string" ? answer : `${answer.node.id} of ${answer.places}`;
}

test("without nodes there is none", () => {
  assert.equal(assigned([]), "no_node_available");
  assert.equal(assigned([], { previous: "a" }), "no_node_available");
});

test("nodes are filled in their order, up to the setting", () => {
  assert.equal(assigned([node("a", 10), node("b", 9), node("c")]), "b of 10");
});

test("or the one that has least is taken, the first of equals", () => {
  assert.equal(assigned([node("a", 3), node("b", 2), node("c", 2)], {}, SPREAD), "b of 10");
  assert.equal(assigned([node("a", 10), node("b", 9)], {}, SPREAD), "b of 10");
});

test("a node that bears less than the setting is filled to what it bears", () => {
  assert.equal(assigned([node("a", 4, { maximumSessions: 5 })]), "a of 5");
  assert.equal(assigned([node("a", 5, { maximumSessions: 5 })]), "no_node_available");
});

test("a machine goes back to its node beyond the setting, up to what the node bears", () => {
  assert.equal(assigned([node("a"), node("b", 9)], { previous: "b" }), "b of 100");
  assert.equal(assigned([node("a"), node("b", 99)], { previous: "b" }), "b of 100");
  assert.equal(assigned([node("a"), node("b", 100)], { previous: "b" }), "a of 10");
});

test("a machine leaves its node when that is gone, or draining", () => {
  assert.equal(assigned([node("a")], { previous: "b" }), "a of 10");
  assert.equal(assigned([node("a"), node("b", 1, { isDraining: true })], { previous: "b" }), "a of 10");
});

test("a draining node is given nothing new", () => {
  assert.equal(assigned([node("a", 0, { isDraining: true }), node("b", 3)]), "b of 10");
  assert.equal(assigned([node("a", 0, { isDraining: true })], {}, SPREAD), "no_node_available");
});

test("a console that bears one connection is given to the node that holds it, draining or not, or to none", () => {
  const held = { holder: "b", previous: "a" };

  assert.equal(assigned([node("a"), node("b", 10, { isDraining: true })], held), "b of 100");
  assert.equal(assigned([node("a"), node("b", 100)], held), "machine_busy");
  assert.equal(assigned([node("a")], held), "machine_busy");
});

test("when all are full nobody gets one more", () => {
  assert.equal(assigned([node("a", 10), node("b", 11)], { previous: "c" }), "no_node_available");
});

test("whatever the fleet, none is given more than it bears, and none refused while there is room", () => {
  const candidate = fc.record({
    id: fc.constantFrom("a", "b", "c", "d"),
    sessions: fc.nat(6),
    maximumSessions: fc.option(fc.nat(5)),
    isDraining: fc.boolean(),
  });
  const bonds = fc.record({
    previous: fc.option(fc.constantFrom("a", "x"), { nil: undefined }),
  });
  const order = fc.constantFrom("first-available" as const, "least-loaded" as const);
  const fleets = fc.uniqueArray(candidate, { selector: ({ id }) => id });

  fc.assert(
    fc.property(fleets, bonds, order, fc.nat(5), (fleet, bound, policyOrder, sessionMax) => {
      const ceiling = ({ maximumSessions }: Candidate) => maximumSessions ?? Infinity;
      const hasRoom = (one: Candidate) =>
        !one.isDraining && one.sessions < Math.min(ceiling(one), sessionMax);
      const isBack = (one: Candidate) =>
        !one.isDraining && one.id === bound.previous && one.sessions < ceiling(one);

      const answer = assign(fleet, bound, { sessionMax, order: policyOrder });

      if (typeof answer === "string") return assert.ok(!fleet.some((one) => hasRoom(one) || isBack(one)));
      assert.ok(hasRoom(answer.node) || isBack(answer.node));
      assert.ok(answer.places <= ceiling(answer.node) && answer.places > answer.node.sessions);
      assert.equal(answer.room, Math.min(sessionMax, ceiling(answer.node)));
    }),
  );
});
