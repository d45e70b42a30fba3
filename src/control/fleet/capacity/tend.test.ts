import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LAUNCH_STATES } from "./launch-states.ts";
import { type Tended, type TendedNode, tend, tendAbandoned, tendLimits } from "./tend.ts";

const NOW = 1_000_000_000;
const LOST_MS = 60 * 60_000;
const at = { now: NOW, lostMs: LOST_MS };

const up: TendedNode = {
  isUp: true,
  isRegistered: true,
  seenAt: NOW,
  drainingAt: null,
  drainRevision: 1,
  sessions: 0,
  saidSessions: 0,
};
const silent = { ...up, isUp: false, seenAt: NOW - 60_000 };

function order(more: Partial<Tended>): Tended {
  return {
    state: "joined",
    orderedAt: NOW - 120_000,
    launchedAt: NOW - 119_000,
    joinedAt: NOW - 100_000,
    startedAt: null,
    starts: 0,
    drainRevision: null,
    instance: { state: "running" },
    listedAt: NOW,
    unlisted: 0,
    node: up,
    ...more,
  };
}

test("an order that control was killed at is launched again, or found", () => {
  const cut = order({ state: "ordered", launchedAt: null, joinedAt: null, node: undefined });

  assert.equal(tend({ ...cut, instance: undefined }, at).kind, "launch");
  assert.equal(tend({ ...cut, instance: { state: "starting" } }, at).kind, "noteLaunched");
  const old = { ...cut, instance: undefined, orderedAt: NOW - tendLimits.joinMs - 1 };
  assert.deepEqual(tend(old, at), { kind: "remove", failure: "it was not launched in time" });
});

test("one whose node does not join is given up, with the platform's words", () => {
  const waiting = order({ state: "launched", joinedAt: null, node: undefined });

  assert.equal(tend(waiting, at).kind, "nothing");
  assert.equal(tend({ ...waiting, orderedAt: NOW - tendLimits.joinMs - 1 }, at).kind, "remove");
  const ended = tend({ ...waiting, instance: { state: "stopped", problem: "no disk" } }, at);
  assert.deepEqual(ended, { kind: "remove", failure: "its node ended before it joined: no disk" });
  const away = { ...waiting, instance: undefined, unlisted: tendLimits.unlisted };
  assert.equal(tend(away, at).kind, "close");
  assert.equal(tend({ ...away, listedAt: away.launchedAt ?? 0 }, at).kind, "nothing");
});

test("a node that ended is started again, later and later, and given up in the end", () => {
  const ended = order({ node: silent, instance: { state: "stopped" } });

  assert.equal(tend(ended, at).kind, "start");
  assert.equal(tend({ ...ended, starts: 2, startedAt: NOW - 1000 }, at).kind, "nothing");
  assert.equal(tend({ ...ended, starts: 2, startedAt: NOW - 60_000 }, at).kind, "start");
  assert.equal(tend({ ...ended, starts: tendLimits.starts, startedAt: 0 }, at).kind, "remove");
  assert.equal(tend({ ...ended, node: { ...silent, drainingAt: NOW - 1 } }, at).kind, "nothing");
  const steady = order({ starts: 1, startedAt: NOW - tendLimits.steadyMs - 1 });
  assert.equal(tend(steady, at).kind, "noteSteady");
});

test("a node that is silent keeps its viewers until its sessions are given up", () => {
  const lost = { ...silent, seenAt: NOW - LOST_MS - 1, sessions: 3 };

  assert.equal(tend(order({ node: silent }), at).kind, "nothing");
  assert.equal(tend(order({ node: lost, joinedAt: 0 }), at).kind, "remove");
});

test("an instance is away when several lists in a row lack it, and not before", () => {
  const unlisted = { instance: undefined, unlisted: tendLimits.unlisted - 1 };
  const drained = { ...silent, drainingAt: NOW - 60_000 };
  const silentOnes = [
    order({ ...unlisted, node: silent }),
    order({ ...unlisted, state: "launched", joinedAt: null, node: undefined }),
    order({ ...unlisted, state: "leaving", node: drained }),
  ];

  const kinds = (each: Partial<Tended>) => silentOnes.map((one) => tend({ ...one, ...each }, at).kind);
  assert.deepEqual(kinds({}), ["nothing", "nothing", "nothing"]);
  assert.deepEqual(kinds({ unlisted: tendLimits.unlisted }), ["close", "close", "remove"]);
});

test("a node that an operator removed or revoked is taken away, and that is no failure", () => {
  assert.deepEqual(tend(order({ node: undefined }), at), { kind: "remove", failure: null });
});

test("one that is emptied goes when it is empty, by control's count and its own word", () => {
  const drained = { ...up, drainingAt: NOW - 2 * tendLimits.settleMs };
  const leaving = (node: Partial<TendedNode>) =>
    tend(order({ state: "leaving", node: { ...drained, ...node } }), at).kind;

  assert.equal(leaving({}), "remove");
  assert.equal(leaving({ sessions: 1 }), "nothing");
  assert.equal(leaving({ saidSessions: 1 }), "nothing");
  // It has not been heard of since.
  assert.equal(leaving({ drainingAt: NOW - 1, seenAt: NOW - 1 }), "nothing");
  assert.equal(leaving({ drainingAt: null }), "stay");
  // An operator drains it for reasons of his own.
  const taken = order({ state: "leaving", node: drained, drainRevision: 0 });
  assert.equal(tend(taken, at).kind, "stay");
  assert.equal(tend({ ...taken, drainRevision: up.drainRevision }, at).kind, "remove");
  // A liar does not stay for ever.
  assert.equal(leaving({ saidSessions: 1e9, drainingAt: NOW - tendLimits.disbeliefMs - 1 }), "remove");
});

test("what is being removed is destroyed until the launcher has it no more", () => {
  assert.equal(tend(order({ state: "removing" }), at).kind, "destroy");
  const unlisted = order({ state: "removing", instance: undefined, unlisted: tendLimits.unlisted - 1 });
  assert.equal(tend(unlisted, at).kind, "nothing");
  assert.equal(tend({ ...unlisted, unlisted: tendLimits.unlisted, launchedAt: null }, at).kind, "close");
});

test("what is being removed is not destroyed while its node, which joined all the same, has viewers", () => {
  const drained = { ...up, drainingAt: NOW - 1000 };
  const late = (node: Partial<TendedNode>, more: Partial<Tended> = {}) =>
    tend(order({ state: "removing", node: { ...drained, ...node }, ...more }), at).kind;

  assert.equal(late({ sessions: 1 }), "nothing");
  assert.equal(late({ sessions: 1, isUp: false, seenAt: NOW - 200_000 }), "nothing");
  assert.equal(late({ saidSessions: 1 }), "nothing");
  // It has not been heard of since.
  assert.equal(late({ seenAt: drained.drainingAt }), "nothing");
  assert.equal(late({ sessions: 1, isUp: false, seenAt: NOW - LOST_MS - 1 }), "destroy");
  assert.equal(late({ isUp: false, seenAt: NOW - 200_000 }), "destroy");
  assert.equal(late({}), "destroy");
  const away = { instance: undefined, unlisted: tendLimits.unlisted };
  assert.deepEqual([late({ sessions: 1 }, away), late({}, away)], ["nothing", "close"]);
});

test("what its platform does not take away is started again for ever, and given up where that changes", () => {
  const middle = { state: "stopped", isRemovable: false } as const;
  const often = order({ node: silent, instance: middle, starts: 40, startedAt: NOW - 60_000 });
  const longSilent = { ...silent, seenAt: NOW - LOST_MS - 1 };
  const lost = order({ node: longSilent, joinedAt: 0, instance: { ...middle, state: "running" } });

  assert.equal(tend(often, at).kind, "nothing");
  assert.equal(tend({ ...often, startedAt: NOW - 3 * 60_000 }, at).kind, "start");
  assert.equal(tend(lost, at).kind, "nothing");
  assert.equal(tend({ ...lost, instance: { state: "running" } }, at).kind, "remove");
  assert.equal(tend({ ...lost, state: "removing" }, at).kind, "nothing");
});

test("what its launcher cannot be asked about is given up when its node is not there or its sessions are", () => {
  const lost = { ...silent, seenAt: NOW - LOST_MS - 1, drainingAt: NOW - LOST_MS };
  const kinds = (node: TendedNode | undefined) =>
    (["launched", "joined", "leaving", "removing"] as const).map(
      (state) => tendAbandoned(order({ state, node }), at).kind,
    );

  for (const node of [up, silent, { ...lost, isUp: true }])
    assert.deepEqual(kinds(node), ["nothing", "nothing", "nothing", "nothing"]);
  assert.deepEqual(kinds(lost), ["close", "close", "close", "close"]);
  assert.deepEqual(kinds(undefined), ["nothing", "close", "close", "close"]);
  // An operator has taken it back.
  assert.deepEqual(kinds({ ...lost, drainingAt: null }), ["close", "close", "stay", "close"]);
  const late = order({ state: "launched", node: undefined, orderedAt: NOW - tendLimits.joinMs - 1 });
  assert.equal(tendAbandoned(late, at).kind, "close");
});

test("no node that is up and has a session is ever destroyed", () => {
  const anyTime = fc.integer({ min: 0, max: NOW });
  const anyOrder = fc.record({
    state: fc.constantFrom(...LAUNCH_STATES),
    orderedAt: anyTime,
    launchedAt: fc.option(anyTime),
    joinedAt: fc.option(anyTime),
    startedAt: fc.option(anyTime),
    starts: fc.nat(9),
    drainRevision: fc.option(fc.nat(2)),
    instance: fc.option(fc.record({ state: fc.constantFrom("starting", "running", "stopped") } as const), {
      nil: undefined,
    }),
    listedAt: anyTime,
    unlisted: fc.nat(9),
  });
  const busy = fc.record({ sessions: fc.integer({ min: 1, max: 99 }), drainingAt: fc.option(anyTime) });

  fc.assert(
    fc.property(anyOrder, busy, (any, { sessions, drainingAt }) => {
      const node = { ...up, sessions, saidSessions: sessions, drainingAt };
      // Before it joined, an order has no node.
      fc.pre(any.state === "joined" || any.state === "leaving" || any.state === "removing");

      assert.ok(!["remove", "destroy", "close"].includes(tend({ ...any, node }, at).kind));
    }),
  );
});
