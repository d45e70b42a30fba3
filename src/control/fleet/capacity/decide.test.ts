import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  backoffMs,
  type CapacityNode,
  type CapacitySettings,
  capacityLimits,
  decide,
  hourlyLaunches,
  type PoolView,
} from "./decide.ts";

const settings: CapacitySettings = {
  standby: 10,
  sessionMax: 50,
  launchMax: 10,
  isAuto: true,
  shrinkAfterMs: 600_000,
};
const quiet = { coming: 0, launchedLately: 0, failures: 0, failedAt: null };
const fresh = { spareSince: null };

function node(id: string, sessions: number, more: Partial<CapacityNode> = {}): CapacityNode {
  return {
    id,
    sessions,
    maximumSessions: null,
    isDraining: false,
    isLeaving: false,
    isRemovable: true,
    createdAt: 0,
    ...more,
  };
}

function view(nodes: readonly CapacityNode[], more: Partial<PoolView> = {}): PoolView {
  return { nodes, existing: nodes.length, ...quiet, ...more };
}

test("an empty pool gets a node, and one with room enough gets none", () => {
  const at = { settings, memory: fresh, now: 0 };

  assert.equal(decide(view([]), at).launch, 1);
  assert.equal(decide(view([node("a", 40)]), at).launch, 0);
  assert.equal(decide(view([node("a", 41)]), at).launch, 1);
  assert.equal(decide(view([node("a", 0, { isDraining: true })]), at).launch, 1);
});

test("as many are launched as are missing, and those on their way count as room", () => {
  const large = { ...settings, standby: 120 };

  assert.equal(decide(view([node("a", 40)]), { settings: large, memory: fresh, now: 0 }).launch, 3);
  const coming = view([node("a", 40)], { coming: 3, existing: 4 });
  assert.equal(decide(coming, { settings: large, memory: fresh, now: 0 }).launch, 0);
});

test("with nothing on standby there is room for one who comes", () => {
  const none = { ...settings, standby: 0 };

  assert.equal(decide(view([]), { settings: none, memory: fresh, now: 0 }).launch, 1);
  assert.equal(decide(view([node("a", 49)]), { settings: none, memory: fresh, now: 0 }).launch, 0);
  assert.equal(decide(view([node("a", 50)]), { settings: none, memory: fresh, now: 0 }).launch, 1);
});

test("in Manual and Suspending nothing is launched and nothing emptied", () => {
  const manual = { ...settings, isAuto: false };
  const long = { spareSince: -1e12 };

  for (const nodes of [[], [node("a", 0), node("b", 0), node("c", 0)]]) {
    const { launch, leave, recall } = decide(view(nodes), { settings: manual, memory: long, now: 0 });
    assert.deepEqual({ launch, leave, recall }, { launch: 0, leave: [], recall: [] });
  }
});

test("a whole node that is spare for a while is emptied: the emptiest, of these the youngest", () => {
  const nodes = [
    node("old", 0, { createdAt: 1 }),
    node("full", 30, { createdAt: 3 }),
    node("young", 0, { createdAt: 2 }),
  ];
  const first = decide(view(nodes), { settings, memory: fresh, now: 1000 });
  const soon = decide(view(nodes), { settings, memory: first.memory, now: settings.shrinkAfterMs });
  const later = decide(view(nodes), { settings, memory: soon.memory, now: 1000 + settings.shrinkAfterMs });

  assert.deepEqual([first.leave, soon.leave, later.leave], [[], [], ["young"]]);
});

test("a peak in between begins the while anew", () => {
  const idle = view([node("a", 0), node("b", 0)]);
  const busy = view([node("a", 45), node("b", 45)]);
  const now = settings.shrinkAfterMs;

  const begun = decide(idle, { settings, memory: fresh, now: 0 }).memory;
  const peak = decide(busy, { settings, memory: begun, now: now / 2 }).memory;

  assert.deepEqual(decide(idle, { settings, memory: peak, now }).leave, []);
});

test("what would be wanted again soon is not given back", () => {
  // Without one of them 12 would be free: enough for standby, not for standby and a margin.
  const { memory } = decide(view([node("a", 38), node("b", 0)]), { settings, memory: fresh, now: 0 });

  assert.deepEqual(memory, { spareSince: null });
});

test("a node that is being emptied is called back before one is launched", () => {
  const nodes = [node("a", 48), node("b", 5, { isDraining: true, isLeaving: true })];

  const { recall, launch } = decide(view(nodes), { settings, memory: fresh, now: 0 });

  assert.deepEqual({ recall, launch }, { recall: ["b"], launch: 0 });
});

test("after a failure one is tried alone, later and later", () => {
  const failing = (failures: number) => view([], { failures, failedAt: 0 });
  const large = { ...settings, standby: 400 };
  const launchAt = (now: number, failures: number) =>
    decide(failing(failures), { settings: large, memory: fresh, now }).launch;

  assert.deepEqual([launchAt(backoffMs(1) - 1, 1), launchAt(backoffMs(1), 1)], [0, 1]);
  assert.deepEqual([launchAt(backoffMs(4) - 1, 4), launchAt(backoffMs(4), 4)], [0, 1]);
  assert.ok(backoffMs(4) > backoffMs(1));
  assert.equal(backoffMs(1000), capacityLimits.longestBackoffMs);
});

const anyNode = fc.record({
  id: fc.uuid(),
  sessions: fc.nat(100_000),
  maximumSessions: fc.option(fc.integer({ min: -5, max: 2_000_000_000 })),
  isDraining: fc.boolean(),
  isLeaving: fc.boolean(),
  isRemovable: fc.boolean(),
  createdAt: fc.nat(),
});
const anyView = fc
  .record({
    nodes: fc.array(anyNode, { maxLength: 40 }),
    further: fc.nat(20),
    coming: fc.nat(20),
    launchedLately: fc.nat(60),
    failures: fc.nat(30),
    failedAt: fc.option(fc.nat(10_000_000)),
  })
  .map(({ further, ...pool }) => ({ ...pool, existing: pool.nodes.length + pool.coming + further }));
const anySettings = fc.record({
  standby: fc.nat(500),
  sessionMax: fc.integer({ min: 1, max: 500 }),
  launchMax: fc.nat(50),
  isAuto: fc.boolean(),
  shrinkAfterMs: fc.nat(1_000_000),
});
const anyMemory = fc.record({ spareSince: fc.option(fc.integer({ min: -10_000_000, max: 10_000_000 })) });

test("whatever nodes are and say, launch.max and the hour's bound hold", () => {
  fc.assert(
    fc.property(anyView, anySettings, anyMemory, fc.nat(10_000_000), (pool, set, memory, now) => {
      const { launch } = decide(pool, { settings: set, memory, now });

      assert.ok(launch >= 0);
      assert.ok(launch === 0 || pool.existing + launch <= set.launchMax);
      assert.ok(launch === 0 || pool.launchedLately + launch <= hourlyLaunches(set));
      assert.ok(set.isAuto || launch === 0);
    }),
  );
});

test("whatever is given back, there is room on standby after it, and nothing is launched beside it", () => {
  fc.assert(
    fc.property(anyView, anySettings, anyMemory, fc.nat(10_000_000), (pool, set, memory, now) => {
      const { leave, launch, spare } = decide(pool, { settings: set, memory, now });
      if (leave.length === 0) return;

      const left = pool.nodes.filter(({ id, isDraining }) => !isDraining && !leave.includes(id));
      const after = decide({ ...pool, nodes: left }, { settings: set, memory, now });
      assert.ok(after.spare >= set.standby, `${after.spare} of ${spare} are left`);
      assert.equal(launch, 0);
      assert.equal(after.launch, 0);
      const leaving = pool.nodes.filter(({ id }) => leave.includes(id));
      assert.ok(leaving.every(({ isRemovable, isDraining }) => isRemovable && !isDraining));
    }),
    { numRuns: 500 },
  );
});
