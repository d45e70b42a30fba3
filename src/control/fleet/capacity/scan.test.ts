import assert from "node:assert/strict";
import { test } from "node:test";
import { startLeader, timedPool } from "../../../../test/harness/capacity.ts";
import { testControl, testReplicas } from "../../../../test/harness/control.ts";
import { lackingPostgres } from "../../../../test/harness/postgres.ts";
import { onBoth } from "../../../../test/harness/test-database.ts";
import { LaunchError } from "../launchers/launcher.ts";

const BOOT_MS = 1000;
const POOL = "default";

for (const each of onBoth("a pool comes to its room, and its nodes are its orders'", async () => {
  await using control = await testControl();
  const { platform, leader, pass, orders } = await timedPool(control, BOOT_MS);

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
    standby: 10,
    existing: 1,
    coming: 0,
    isShort: false,
  });
}))
  test(...each);

for (const each of onBoth("room that is used is made again, and given back when it is spare", async () => {
  await using control = await testControl();
  const { platform, leader, pass, orders } = await timedPool(control, BOOT_MS);
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
    const { platform, launchers, leader, pass, orders } = await timedPool(control, BOOT_MS);

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
  const { platform, launchers, leader, set } = await timedPool(one, BOOT_MS);
  const second = startLeader(other, launchers);
  await set("capacity.standby", "200");
  await other.services.settings.set(other.admin, "consoleproxy.capacity.standby", "200");

  await Promise.all([leader.scan(), second.scan(), leader.scan(), second.scan()]);

  assert.equal(platform.launched, 4);
});

test("a platform that fails is asked again later and later, and its words are kept, without end to them cut", async () => {
  await using control = await testControl();
  const { platform, leader, pass, orders } = await timedPool(control, BOOT_MS);
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
  const { platform, leader, orders } = await timedPool(control, BOOT_MS);
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

test("a node that dies is started again as itself, and one that always dies is replaced", async () => {
  await using control = await testControl();
  const { platform, leader, pass, orders } = await timedPool(control, BOOT_MS);
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
  const { platform, leader, pass, set, orders } = await timedPool(control, BOOT_MS);
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

for (const each of onBoth(
  "of more than a platform is asked to do at once the oldest orders come first",
  async () => {
    await using control = await testControl();
    const { db } = control.store;
    const { platform, leader, pass, set } = await timedPool(control, BOOT_MS);
    await set("capacity.standby", "1000");
    await set("launch.max", "20");
    for (let scan = 0; scan < 2; scan++) await leader.scan();
    await pass(BOOT_MS);
    // The other way round than they came to the database.
    const ids = (await db.selectFrom("launches").select("id").execute()).map(({ id }) => id).reverse();
    for (const [index, id] of ids.entries())
      await db.updateTable("launches").set({ ordered_at: index }).where("id", "=", id).execute();
    await db.updateTable("launches").set({ state: "removing" }).execute();
    const destroyed: string[] = [];
    const done = Promise.withResolvers<void>();
    platform.destroy = async (id) => {
      destroyed.push(id);
      await done.promise;
    };
    control.clock.advance(181_000);

    await leader.scans.scan(AbortSignal.timeout(60_000));
    done.resolve();
    await leader.calls.idle();

    assert.ok(destroyed.length > 0 && destroyed.length < ids.length);
    assert.deepEqual(destroyed, ids.slice(0, destroyed.length));
  },
))
  test(...each);

test("nodes that nobody launched count, and are never taken away", async () => {
  await using control = await testControl();
  const { platform, leader, pass, set } = await timedPool(control, BOOT_MS);
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

test("the token of an order lets one node join, and none once the order is given up", async () => {
  await using control = await testControl();
  const { platform, leader, pass } = await timedPool(control, BOOT_MS);
  await leader.scan();
  const [instance] = platform.instances.values();
  assert.ok(instance !== undefined);
  await leader.launches.remove(instance.order.id, { from: "launched", failure: "given up" });

  await assert.rejects(pass(BOOT_MS), { code: "join_token_invalid" });
});
