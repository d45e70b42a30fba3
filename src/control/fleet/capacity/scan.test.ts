import assert from "node:assert/strict";
import { test } from "node:test";
import { startLeader, TimedPlatform } from "../../../../test/harness/capacity.ts";
import { type OneControl, testControl, testReplicas } from "../../../../test/harness/control.ts";
import { lackingPostgres } from "../../../../test/harness/postgres.ts";
import { onBoth } from "../../../../test/harness/test-database.ts";
import { LaunchError } from "../launchers/launcher.ts";

const BOOT_MS = 1000;
const POOL = "default";

async function setUp(control: OneControl) {
  const platform = new TimedPlatform(control, { bootMs: BOOT_MS });
  const launchers = new Map([[POOL, platform]]);
  const leader = startLeader(control, launchers);
  const set = async (name: string, value: string) => {
    await control.services.settings.set(control.admin, `consoleproxy.${name}`, value);
  };
  await set("loadscan.interval", "60000");
  const pass = async (ms: number) => {
    control.clock.advance(ms);
    await platform.boot();
    await platform.beat();
  };
  const orders = async () =>
    await control.store.db.selectFrom("launches").selectAll().orderBy("id").execute();
  return { platform, launchers, leader, set, pass, orders };
}

for (const each of onBoth("a pool comes to its room, and its nodes are its orders'", async () => {
  await using control = await testControl();
  const { platform, leader, pass, orders } = await setUp(control);

  await leader.scan();
  await leader.scan();
  await pass(BOOT_MS);
  await leader.scan();

  const [order] = await orders();
  assert.equal((await orders()).length, 1);
  assert.equal(order?.state, "joined");
  assert.equal(order?.node_id, platform.instances.get(order?.id ?? "")?.nodeId);
  assert.deepEqual(leader.scans.pools.get(POOL), {
    places: 50,
    spare: 50,
    existing: 1,
    coming: 0,
    isShort: false,
  });
}))
  test(...each);

for (const each of onBoth("room that is used is made again, and given back when it is spare", async () => {
  await using control = await testControl();
  const { platform, leader, pass, orders } = await setUp(control);
  const { id: machineId } = await control.machine();
  await leader.scan();
  await pass(BOOT_MS);
  for (let i = 0; i < 45; i++)
    await control.services.consoles.open(control.admin, { machineId, api: "native" });

  await leader.scan();
  await pass(BOOT_MS);
  assert.equal(platform.instances.size, 2);
  await control.store.db.updateTable("sessions").set({ state: "ended" }).execute();
  for (let minutes = 0; minutes < 20; minutes++) {
    await leader.scan();
    await pass(60_000);
  }

  assert.equal(platform.instances.size, 1);
  assert.deepEqual((await orders()).map(({ state }) => state).sort(), ["gone", "joined"]);
  const nodes = await control.services.nodes.list(control.admin);
  assert.deepEqual(
    nodes.map(({ id }) => id),
    [...platform.instances.values()].map(({ nodeId }) => nodeId),
  );
}))
  test(...each);

for (const each of onBoth(
  "a leader that is killed in the middle of a launch leaves nothing and doubles nothing",
  async () => {
    await using control = await testControl();
    const { platform, launchers, leader, pass, orders } = await setUp(control);

    // 1. Killed when the order is written down and nothing is launched.
    platform.beforeLaunch = async () => leader.depose();
    await leader.scan();
    assert.equal(platform.instances.size, 0);
    assert.deepEqual(
      (await orders()).map(({ state }) => state),
      ["ordered"],
    );

    // 2. Another one, killed when it is launched and that is not written down.
    platform.beforeLaunch = undefined;
    const second = startLeader(control, launchers);
    second.launches.noteLaunched = async () => {
      second.depose();
      return false;
    };
    await second.scan();
    assert.equal(platform.instances.size, 1);
    assert.deepEqual(
      (await orders()).map(({ state }) => state),
      ["ordered"],
    );

    // 3. The next one finds it.
    const third = startLeader(control, launchers);
    await third.scan();
    await pass(BOOT_MS);
    await third.scan();

    assert.equal(platform.launched, 1);
    assert.deepEqual(
      (await orders()).map(({ state }) => state),
      ["joined"],
    );
  },
))
  test(...each);

test("two leaders at once launch no more than one would", { skip: lackingPostgres }, async () => {
  await using opened = await testReplicas(2);
  const [one, other] = opened.replicas;
  assert.ok(one !== undefined && other !== undefined);
  const { platform, launchers, leader, set } = await setUp(one);
  const second = startLeader(other, launchers);
  await set("capacity.standby", "200");
  await other.services.settings.set(other.admin, "consoleproxy.capacity.standby", "200");

  await Promise.all([leader.scan(), second.scan(), leader.scan(), second.scan()]);

  assert.equal(platform.launched, 4);
});

test("what a launcher has and nobody ordered is taken away; in Manual it stays", async () => {
  await using control = await testControl();
  const { platform, leader, pass, set } = await setUp(control);
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
  await set("management.state", "Auto");
  for (let scan = 0; scan < 3; scan++) await leader.scan();

  assert.deepEqual([...platform.instances.keys()], [known.order.id]);
  assert.equal(platform.launched, 1);
});

test("a launch that comes about after it was given up is taken away", async () => {
  await using control = await testControl();
  const { platform, leader, orders, set } = await setUp(control);
  platform.failure = "out of disks";
  await leader.scan();
  await leader.scan();
  const [order] = await orders();
  assert.equal(order?.state, "gone");
  await set("launch.max", "0");

  platform.failure = undefined;
  const late = { id: order.id, pool: POOL, join: { controls: [], token: control.installation.key } };
  platform.instances.set(order.id, { order: late as never, state: "running", bootsAt: 0 });
  for (let scan = 0; scan < 3; scan++) await leader.scan();

  assert.equal(platform.instances.size, 0);
  assert.equal((await orders())[0]?.state, "gone");
});

test("a platform that fails is asked again later and later, and its words are kept, without end to them cut", async () => {
  await using control = await testControl();
  const { platform, leader, pass, orders } = await setUp(control);
  platform.failure = `no more ${"disks ".repeat(500)}`;

  for (let minute = 0; minute < 60; minute++) {
    await leader.scan();
    await pass(60_000);
  }

  const all = await orders();
  assert.ok(all.length >= 3 && all.length <= 9, `${all.length} launches in an hour`);
  assert.ok(all.every(({ failure }) => failure?.startsWith("no more") === true && failure.length <= 500));
  const rows = await control.store.db
    .selectFrom("audit")
    .select("action")
    .where("action", "=", "node.launch-failed")
    .execute();
  assert.equal(rows.length, all.filter(({ failure }) => failure !== null).length);
});

for (const each of onBoth("what a platform does not take away is no reason to launch nothing", async () => {
  await using control = await testControl();
  const { platform, leader, orders } = await setUp(control);
  platform.destroy = async () => {
    throw new LaunchError("its host does not answer");
  };

  // None of them ever joins.
  for (let minute = 0; minute < 40; minute++) {
    await leader.scan();
    control.clock.advance(60_000);
  }

  const states = (await orders()).map(({ state }) => state).sort();
  assert.deepEqual(states, ["launched", "removing", "removing"]);
}))
  test(...each);

test("a pod in the middle that is silent for long is replaced, and goes when it is the last", async () => {
  await using control = await testControl();
  const { platform, leader, pass, orders } = await setUp(control);
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
  for (let scan = 0; scan < 2; scan++) await leader.scan();

  assert.deepEqual(await states(), ["gone", "launched"]);
});

test("a node that dies is started again as itself, and one that always dies is replaced", async () => {
  await using control = await testControl();
  const { platform, leader, pass, orders } = await setUp(control);
  await leader.scan();
  await pass(BOOT_MS);
  const [first] = platform.instances.values();
  assert.ok(first !== undefined);
  const nodeId = first.nodeId;

  platform.kill(first.order.id);
  await pass(181_000);
  await leader.scan();
  await pass(BOOT_MS);
  assert.deepEqual([first.state, first.nodeId], ["running", nodeId]);

  // Whatever is done about it, it dies.
  for (let minute = 0; minute < 90 && platform.instances.has(first.order.id); minute++) {
    platform.kill(first.order.id);
    await pass(60_000);
    platform.kill(first.order.id);
    await leader.scan();
  }
  for (let minute = 0; minute < 3; minute++) {
    await leader.scan();
    await pass(60_000);
  }

  const states = (await orders()).map(({ state, failure }) => [state, failure?.slice(0, 29) ?? null]);
  assert.deepEqual(states.sort(), [
    ["gone", "its node ends again and again"],
    ["joined", null],
  ]);
});

test("of many nodes that end at once those that have to wait are not counted as started again", async () => {
  await using control = await testControl();
  const { platform, leader, pass, set, orders } = await setUp(control);
  const count = 20;
  await set("capacity.standby", String(count * 50));
  await set("launch.max", String(count));
  for (let scan = 0; scan < 2; scan++) await leader.scan();
  await pass(BOOT_MS);
  const start = platform.start.bind(platform);
  const started = Promise.withResolvers<void>();
  platform.start = async (id) => await started.promise.then(async () => await start(id));
  for (const id of platform.instances.keys()) platform.kill(id);
  control.clock.advance(181_000);
  const starts = async () => (await orders()).map((order) => order.starts);

  await leader.scans.scan(AbortSignal.timeout(60_000));
  const counted = (await starts()).filter((times) => times > 0).length;
  started.resolve();
  await leader.calls.idle();

  const begun = [...platform.instances.values()].filter(({ state }) => state === "starting").length;
  assert.ok(begun > 0 && begun < count, `${begun} were begun`);
  assert.equal(counted, begun);
  await leader.scan();
  assert.deepEqual(
    await starts(),
    Array.from({ length: count }, () => 1),
  );
});

test("a launcher that cannot say what it has is left alone, and nothing is launched with it", async () => {
  await using control = await testControl();
  const { platform, leader } = await setUp(control);
  platform.list = async () => {
    throw new Error("not now");
  };

  await leader.scan();

  assert.equal(platform.launched, 0);
  assert.equal(leader.scans.pools.get(POOL)?.isShort, true);
});

test("orders of another launcher are left alone and count", async () => {
  await using control = await testControl();
  const { platform, launchers, leader, set, orders } = await setUp(control);
  await set("launch.max", "1");
  await leader.scan();
  const elsewhere = Object.assign(new TimedPlatform(control, { bootMs: BOOT_MS }), { scope: "elsewhere" });

  const moved = startLeader(control, new Map([[POOL, elsewhere]]));
  await moved.scan();

  assert.equal(elsewhere.launched, 0);
  assert.equal((await orders()).length, 1);
  assert.ok(launchers.has(POOL) && platform.instances.size === 1);
});

test("nodes that nobody launched count, and are never taken away", async () => {
  await using control = await testControl();
  const { platform, leader, pass, set } = await setUp(control);
  await set("launch.max", "2");
  const own = [await control.node(), await control.node()];

  for (let minute = 0; minute < 15; minute++) {
    for (const { id, incarnation } of own)
      await control.link.registry.heartbeat(id, { incarnation, sessions: 0 });
    await leader.scan();
    await pass(60_000);
  }

  const nodes = await control.services.nodes.list(control.admin);
  assert.equal(platform.launched, 0);
  assert.equal(nodes.length, 2);
  const drained = await control.store.db
    .selectFrom("nodes")
    .select("id")
    .where("draining_at", "is not", null)
    .execute();
  assert.deepEqual(drained, []);
});

for (const each of onBoth("a pod that comes is not taken for the one of its name that goes", async () => {
  await using control = await testControl();
  const { db } = control.store;
  const { platform, leader, pass, orders } = await setUp(control);
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

test("the token of an order lets one node join, and none once the order is given up", async () => {
  await using control = await testControl();
  const { platform, leader, pass } = await setUp(control);
  await leader.scan();
  const [instance] = platform.instances.values();
  assert.ok(instance !== undefined);
  await leader.launches.remove(instance.order.id, { from: "launched", failure: "given up" });

  await assert.rejects(pass(BOOT_MS), { code: "join_token_invalid" });
});
