import assert from "node:assert/strict";
import { test } from "node:test";
import { startLeader, TimedPlatform, timedPool } from "../../../../test/harness/capacity.ts";
import { testControl } from "../../../../test/harness/control.ts";
import { onBoth } from "../../../../test/harness/test-database.ts";
import { settleMs } from "../draining.ts";
import type { Instance } from "../launchers/launcher.ts";
import { tendLimits } from "./tend.ts";

const BOOT_MS = 1000;
const POOL = "default";
/** From when something is destroyed until it is believed that it is gone. */
const GONE = 1 + tendLimits.unlisted;

test("what a launcher has and nobody ordered is taken away; in Manual it stays", async () => {
  await using control = await testControl();
  const { platform, leader, pass, set } = await timedPool(control, BOOT_MS);
  await leader.scan();
  await pass(BOOT_MS);
  await leader.scan();
  const [known] = platform.instances.values();
  assert.ok(known !== undefined);
  const stray = { ...known.order, id: "00000000-0000-4000-8000-000000000001" };
  platform.instances.set(stray.id, { order: stray, state: "running", bootsAt: 0 });

  await set("management.state", "Manual");
  await leader.scan();
  assert.equal(platform.instances.size, 2);
  assert.equal(leader.scans.pools.get(POOL)?.standby, 0);
  await set("management.state", "Auto");
  for (let scan = 0; scan < 3; scan++) await leader.scan();

  assert.deepEqual([...platform.instances.keys()], [known.order.id]);
  assert.equal(platform.launched, 1);
});

test("what a launcher has and nobody ordered is taken away bit by bit, and only what an order can be", async () => {
  await using control = await testControl();
  const { platform, leader, orders, set } = await timedPool(control, BOOT_MS);
  await set("launch.max", "0");
  const strays = Array.from({ length: 120 }, (_, n) => ({
    orderId: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
    ...({ pool: POOL, state: "running" } as const),
  }));
  const named = { ...strays[0], orderId: "../etc" } as Instance;
  const notified: string[] = [];
  platform.destroy = async (id) => void notified.push(id);
  platform.list = async () => [named, ...strays];

  await leader.scan();
  assert.equal((await orders()).length, 100);
  await leader.scan();

  assert.deepEqual(
    (await orders()).map(({ id }) => id),
    strays.map(({ orderId }) => orderId),
  );
  assert.ok(!notified.includes(named.orderId));
});

for (const each of onBoth(
  "what is found and taken away does not put off what is to be launched",
  async () => {
    await using control = await testControl();
    const { platform, leader, orders } = await timedPool(control, BOOT_MS);
    const stray = "00000000-0000-4000-8000-000000000001";
    const list = platform.list.bind(platform);
    platform.list = async () => [{ orderId: stray, pool: POOL, state: "running" }, ...(await list())];

    await leader.scan();

    assert.deepEqual((await orders()).map(({ state }) => state).sort(), ["launched", "removing"]);
    assert.equal(leader.scans.pools.get(POOL)?.existing, 2);
  },
))
  test(...each);

test("what a launcher lists of a pool that it has not is left alone", async () => {
  await using control = await testControl();
  const { platform, leader, orders } = await timedPool(control, BOOT_MS);
  const orderId = "00000000-0000-4000-8000-000000000001";
  platform.list = async () => [{ orderId, pool: "another", state: "running" }];

  await leader.scan();

  assert.deepEqual(
    (await orders()).map(({ pool }) => pool),
    [POOL],
  );
});

test("a launch that comes about after it was given up is taken away", async () => {
  await using control = await testControl();
  const { platform, leader, orders, set } = await timedPool(control, BOOT_MS);
  platform.failure = "out of disks";
  for (let scan = 0; scan < GONE; scan++) await leader.scan();
  const [order] = await orders();
  assert.equal(order?.state, "gone");
  await set("launch.max", "0");

  platform.failure = undefined;
  const late = { id: order.id, pool: POOL, join: { controls: [], token: control.installation.key } };
  platform.instances.set(order.id, { order: late as never, state: "running", bootsAt: 0 });
  for (let scan = 0; scan < 1 + GONE; scan++) await leader.scan();

  assert.equal(platform.instances.size, 0);
  assert.equal((await orders())[0]?.state, "gone");
});

test("a pod in the middle that is silent for long is replaced, and goes when it is the last", async () => {
  await using control = await testControl();
  const { platform, leader, pass, orders } = await timedPool(control, BOOT_MS);
  await leader.scan();
  await pass(BOOT_MS);
  await leader.scan();
  const [middle] = platform.instances.keys();
  platform.fixed.add(middle ?? "");
  const states = async () => (await orders()).map(({ state }) => state).sort();

  control.clock.advance(2 * 60 * 60_000);
  await leader.scan();
  assert.deepEqual(await states(), ["joined", "launched"]);
  platform.fixed.clear();
  for (let scan = 0; scan < GONE; scan++) await leader.scan();

  assert.deepEqual(await states(), ["gone", "launched"]);
});

test("a launcher that cannot say what it has is left alone, and nothing is launched with it", async () => {
  await using control = await testControl();
  const { platform, leader } = await timedPool(control, BOOT_MS);
  platform.list = async () => {
    throw new Error("not now");
  };

  await leader.scan();

  assert.equal(platform.launched, 0);
  assert.equal(leader.scans.pools.get(POOL)?.isShort, true);
});

test("a list that lacks a silent node once or twice is no reason to end its sessions", async () => {
  await using control = await testControl();
  const { platform, leader, pass, orders } = await timedPool(control, BOOT_MS);
  await leader.scan();
  await pass(BOOT_MS);
  const { id: machineId } = await control.machine();
  const { sessionId } = await control.services.consoles.open(control.admin, { machineId, api: "native" });
  control.clock.advance(181_000);
  const list = platform.list.bind(platform);
  const [silent] = platform.instances.keys();
  const scanWith = async (names: readonly (readonly Instance[])[]) => {
    for (const instances of names) {
      platform.list = async () => instances;
      await leader.scan();
    }
    // Another one is launched meanwhile.
    const order = (await orders()).find(({ id }) => id === silent);
    const session = await control.services.sessions.get(control.admin, sessionId);
    return [order?.state, session.state];
  };

  assert.deepEqual(await scanWith([[], [], await list(), [], []]), ["joined", "pending"]);
  assert.deepEqual(await scanWith([[]]), ["gone", "ended"]);
});

test("a list that lacks what is being taken away is no reason to forget its node", async () => {
  await using control = await testControl();
  const { platform, leader, pass, set, orders } = await timedPool(control, BOOT_MS);
  await leader.scan();
  await pass(BOOT_MS);
  const [order] = await orders();
  platform.destroy = async () => {};
  control.clock.advance(2 * 60 * 60_000);
  await leader.scan();
  await set("management.state", "Manual");
  const list = platform.list.bind(platform);
  const stateWith = async (...lists: readonly (readonly Instance[])[]) => {
    for (const instances of lists) {
      platform.list = async () => instances;
      await leader.scan();
    }
    return (await orders()).find(({ id }) => id === order?.id)?.state;
  };

  assert.equal(await stateWith([], [], await list(), [], []), "removing");
  assert.equal(await stateWith([]), "gone");
});

test("orders of another launcher are left alone and count", async () => {
  await using control = await testControl();
  const { platform, launchers, leader, set, orders } = await timedPool(control, BOOT_MS);
  await set("launch.max", "1");
  await leader.scan();
  const elsewhere = Object.assign(new TimedPlatform(control, { bootMs: BOOT_MS }), { scope: "elsewhere" });

  const moved = startLeader(control, new Map([[POOL, elsewhere]]));
  await moved.scan();

  assert.equal(elsewhere.launched, 0);
  assert.equal((await orders()).length, 1);
  assert.ok(launchers.has(POOL) && platform.instances.size === 1);
});

for (const each of onBoth("orders of a launcher that is configured no more go with their nodes", async () => {
  await using control = await testControl();
  const { platform, leader, pass, set, orders } = await timedPool(control, BOOT_MS);
  await set("launch.max", "2");
  await set("capacity.standby", "100");
  await leader.scan();
  const [silent, waiting] = [...platform.instances.keys()].sort();
  assert.ok(silent !== undefined && waiting !== undefined);
  // Control comes to another host, and one of its nodes never joined.
  const away = platform.instances.get(waiting);
  platform.instances.delete(waiting);
  await pass(BOOT_MS);
  const elsewhere = Object.assign(new TimedPlatform(control, { bootMs: BOOT_MS }), { scope: "elsewhere" });
  const moved = startLeader(control, new Map([[POOL, elsewhere]]));
  const stateOf = async (id: string) => (await orders()).find((order) => order.id === id)?.state;
  await moved.scan();
  assert.deepEqual([await stateOf(silent), await stateOf(waiting)], ["joined", "launched"]);

  control.clock.advance(30 * 60_000);
  await moved.scan();
  assert.deepEqual([await stateOf(silent), await stateOf(waiting)], ["joined", "gone"]);
  await platform.beat();
  control.clock.advance(59 * 60_000);
  await moved.scan();
  assert.equal(await stateOf(silent), "joined");
  await set("management.state", "Manual");
  control.clock.advance(2 * 60_000);
  await moved.scan();
  assert.equal(await stateOf(silent), "joined");
  await set("management.state", "Auto");
  for (let scan = 0; scan < 2; scan++) await moved.scan();

  assert.equal(await stateOf(silent), "gone");
  assert.ok(elsewhere.launched > 0);
  assert.ok(away !== undefined);
  platform.instances.set(waiting, away);
  await assert.rejects(platform.boot(), { code: "join_token_invalid" });
}))
  test(...each);

for (const each of onBoth("a pod that comes is not taken for the one of its name that goes", async () => {
  await using control = await testControl();
  const { db } = control.store;
  const { platform, leader, pass, orders } = await timedPool(control, BOOT_MS);
  const list = platform.list.bind(platform);
  platform.list = async () => (await list()).map((each) => ({ ...each, joinsAs: "consoles/node-0" }));
  platform.destroy = async () => {};
  const nodesOf = async () =>
    (await orders()).map(({ state, node_id: nodeId }) => `${state} ${nodeId}`).sort();
  const boot = async () => {
    await pass(BOOT_MS);
    await db.updateTable("nodes").set({ joined_as: "consoles/node-0" }).execute();
  };
  await leader.scan();
  await boot();
  await db.updateTable("launches").set({ state: "removing" }).execute();

  await leader.scan();
  await leader.scan();
  const [going, coming] = [...platform.instances.values()];
  assert.deepEqual(await nodesOf(), ["launched null", `removing ${going?.nodeId}`]);
  await boot();
  await leader.scan();

  assert.deepEqual(await nodesOf(), [`joined ${coming?.nodeId}`, `removing ${going?.nodeId}`]);
}))
  test(...each);

for (const each of onBoth(
  "a pod that joins when it was given up is emptied before it is destroyed",
  async () => {
    await using control = await testControl();
    const { db } = control.store;
    const { platform, leader, set, orders } = await timedPool(control, BOOT_MS);
    await set("launch.max", "1");
    const [list, destroy] = [platform.list.bind(platform), platform.destroy.bind(platform)];
    platform.list = async () => (await list()).map((each) => ({ ...each, joinsAs: "consoles/node-0" }));
    await leader.scan();
    const [order] = await orders();
    assert.ok(order !== undefined);
    // Its platform is slow to hear of it, its node joins as the pod that it is, and a viewer comes.
    platform.destroy = async () => {};
    await leader.launches.remove(order.id, { from: "launched", failure: "its node did not join in time" });
    const node = await control.node();
    await db.updateTable("nodes").set({ joined_as: "consoles/node-0" }).execute();
    const { id: machineId } = await control.machine();
    const open = async () =>
      await control.services.consoles.open(control.admin, { machineId, api: "native" });
    const { sessionId } = await open();
    platform.destroy = destroy;
    const pass = async () => {
      control.clock.advance(settleMs(control.store) + 1);
      await control.link.registry.heartbeat(node.id, { incarnation: node.incarnation, sessions: 0 });
      await leader.scan();
    };

    for (let scan = 0; scan < 3; scan++) await pass();
    assert.equal(platform.instances.size, 1);
    assert.deepEqual(
      (await orders()).map(({ state, node_id: nodeId }) => [state, nodeId]),
      [["removing", node.id]],
    );
    const { draining } = await control.services.nodes.get(control.admin, node.id);
    assert.equal(draining?.outcome, "stay");
    await control.services.sessions.end(control.admin, sessionId);
    await db.updateTable("sessions").set({ state: "ended" }).execute();
    await pass();

    assert.equal(platform.instances.size, 0);
  },
))
  test(...each);

for (const each of onBoth(
  "a viewer whose session was begun as a node was drained keeps it from being destroyed",
  async () => {
    await using control = await testControl();
    const { db } = control.store;
    const { leader, pass } = await timedPool(control, BOOT_MS);
    await leader.scan();
    await pass(BOOT_MS);
    const { id: machineId } = await control.machine();
    await control.services.consoles.open(control.admin, { machineId, api: "native" });
    await db.updateTable("launches").set({ state: "removing" }).execute();
    const { id } = await db.selectFrom("launches").select("id").executeTakeFirstOrThrow();

    assert.equal(await leader.launches.mayBeDestroyed(id), false);
  },
))
  test(...each);

for (const each of onBoth(
  "a pod's node is of the pool that the pod was launched for, or not its own",
  async () => {
    await using control = await testControl();
    const { platform, leader, orders } = await timedPool(control, BOOT_MS);
    const joinsAs = "consoles/node-0";
    const node = await control.node();
    const { db } = control.store;
    // As of a launcher that an operator has given to this pool just now.
    await db.updateTable("nodes").set({ joined_as: joinsAs, pool: "another" }).execute();
    const list = platform.list.bind(platform);
    platform.list = async () => (await list()).map((instance) => ({ ...instance, joinsAs }));
    const nodesOf = async () => (await orders()).map(({ node_id: nodeId }) => nodeId);

    for (let scan = 0; scan < 2; scan++) await leader.scan();
    assert.deepEqual(await nodesOf(), [null]);
    await db.updateTable("nodes").set({ pool: POOL }).execute();
    await leader.scan();

    assert.deepEqual(await nodesOf(), [node.id]);
  },
))
  test(...each);
