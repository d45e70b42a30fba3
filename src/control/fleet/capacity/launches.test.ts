import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { sql } from "kysely";
import { blocked } from "../../../../test/harness/blocked.ts";
import { launchesOf, TimedPlatform } from "../../../../test/harness/capacity.ts";
import {
  type OneControl,
  type TestNode,
  testControl,
  testReplicas,
} from "../../../../test/harness/control.ts";
import { lackingPostgres } from "../../../../test/harness/postgres.ts";
import { onBoth } from "../../../../test/harness/test-database.ts";
import { begin } from "../../../../test/harness/transaction.ts";
import { settleMs } from "../draining.ts";
import type { LaunchState } from "./launch-states.ts";

const skip = lackingPostgres;
const MINUTE_MS = 60_000;
const GIVEN_UP = { from: "joined", failure: "its node was not heard of any more" } as const;
const EMPTIED = { from: "leaving", failure: null } as const;

for (const each of onBoth("what is emptied goes when nobody can come any more, and not before", async () => {
  await using control = await testControl();
  const { launches, id, state } = await ordered(control);
  await launches.leave(id);

  // What was begun before it was drained may be committed yet.
  const isSettled = settleMs(control.store) === 0;
  assert.equal(await launches.remove(id, EMPTIED), isSettled);
  assert.equal(await state(), isSettled ? "removing" : "leaving");
  control.clock.advance(settleMs(control.store));

  assert.equal(await launches.remove(id, EMPTIED), !isSettled);
  assert.equal(await state(), "removing");
}))
  test(...each);

for (const each of onBoth("a viewer who came as a node was drained is not taken away with it", async () => {
  await using control = await testControl();
  const { launches, id, state } = await ordered(control);
  await open(control);
  await launches.leave(id);
  control.clock.advance(settleMs(control.store));

  assert.equal(await launches.remove(id, EMPTIED), false);
  assert.equal(await state(), "leaving");
}))
  test(...each);

for (const each of onBoth("a node that an operator has just taken back is not taken away", async () => {
  await using control = await testControl();
  const { launches, id, node, state } = await ordered(control);
  await launches.leave(id);
  await control.services.nodes.start(control.admin, node.id);

  assert.equal(await launches.remove(id, EMPTIED), false);
  assert.equal(await state(), "leaving");
}))
  test(...each);

for (const each of onBoth("a node that has just come back is not given up", async () => {
  await using control = await testControl();
  const { launches, id, node, state } = await ordered(control);

  for (const give of [launches.remove, launches.close])
    assert.equal(await give.call(launches, id, GIVEN_UP), false);
  // That one was not found means nothing where it is there.
  assert.equal(await launches.remove(id, { from: "joined", failure: null }), false);

  assert.equal(await state(), "joined");
  assert.equal((await control.services.nodes.get(control.admin, node.id)).state, "running");
}))
  test(...each);

for (const each of onBoth("a node that comes back when it is given up is given nothing more", async () => {
  await using control = await testControl();
  const { launches, id, node, state } = await ordered(control);
  // Its process was told to stop, which another start of it would take back.
  await control.link.registry.heartbeat(node.id, {
    ...{ incarnation: node.incarnation, sessions: 0 },
    leaving: { deadline: control.clock.now() },
  });
  control.clock.advance(60 * MINUTE_MS);

  assert.equal(await launches.remove(id, GIVEN_UP), true);
  await control.link.registry.register(node.id, {
    ...{ incarnation: randomUUID(), version: "1.2.3", sharesAddress: true },
    ...{ pageOrigin: "http://node.example.com", webSocketOrigin: "http://node.example.com" },
  });

  assert.equal(await state(), "removing");
  await assert.rejects(open(control), { code: "no_node_available" });
}))
  test(...each);

for (const each of onBoth(
  "what has gone since a decision was made is no reason to launch nothing, what has come is",
  async () => {
    await using control = await testControl();
    const { launches, id } = await ordered(control);
    const launcher = new TimedPlatform(control, { bootMs: 0 });
    const seen = new Set([id, randomUUID()]);

    const made = await launches.order("default", 2, { seen, launcher });
    assert.equal(made.length, 2);
    assert.deepEqual(await launches.order("default", 1, { seen, launcher }), []);
  },
))
  test(...each);

for (const each of onBoth(
  "a node that was revoked stays so when nobody can tell whether it still runs",
  async () => {
    await using control = await testControl();
    const { launches, id, node, state } = await ordered(control);
    await control.services.nodes.revoke(control.admin, node.id);

    assert.equal(await launches.abandon(id, { from: "joined", failure: null }), true);
    assert.equal(await state(), "gone");
    assert.equal((await control.services.nodes.get(control.admin, node.id)).state, "revoked");
    const another = await ordered(control);
    control.clock.advance(60 * MINUTE_MS);
    assert.equal(await another.launches.abandon(another.id, GIVEN_UP), true);
    await assert.rejects(control.services.nodes.get(control.admin, another.node.id), { code: "not_found" });
  },
))
  test(...each);

test("a node that is heard of at the same moment as it is given up stays", { skip }, async () => {
  await using world = await testReplicas(1);
  const control = first(world.replicas);
  const { launches, id, node, state } = await ordered(control);
  control.clock.advance(60 * MINUTE_MS);

  await using beat = await begin(world.url);
  await beat.say(`update nodes set seen_at = ${control.clock.now()} where id = '${node.id}'`);
  const removing = launches.remove(id, GIVEN_UP);
  await Promise.race([removing, blocked(world.url, 1)]);
  await beat.say("commit");

  assert.equal(await removing, false);
  assert.equal(await state(), "joined");
});

for (const each of onBoth(
  "control takes back its own drain of a node only, and takes nothing away by that of somebody else",
  async () => {
    await using control = await testControl();
    const { launches, id, node, state } = await ordered(control);
    const drain = async (outcome: "stay" | "stop") =>
      await control.services.nodes.drain(control.admin, node.id, { outcome });
    await launches.leave(id);
    assert.equal(await launches.recall(id), true);
    assert.equal(await state(), "joined");

    for (const outcome of ["stay", "stop"] as const) {
      await launches.leave(id);
      await drain(outcome);
      control.clock.advance(settleMs(control.store));

      assert.equal(await launches.recall(id), false);
      assert.equal(await launches.remove(id, EMPTIED), false);
      const { draining } = await control.services.nodes.get(control.admin, node.id);
      assert.equal(draining?.outcome, outcome);
      assert.equal(await launches.noteStays(id), true);
      assert.equal(await launches.leave(id), false);
      await control.services.nodes.start(control.admin, node.id);
    }
  },
))
  test(...each);

test("whoever empties a node and whoever takes that back do not wait for each other", { skip }, async () => {
  await using world = await testReplicas(1);
  const control = first(world.replicas);
  const { launches, id, node, state } = await ordered(control);
  await launches.leave(id);

  let tries = 0;
  let recalling: Promise<boolean> | undefined;

  // As somebody does who empties it: the node first, then the order. It is told at once where that is a circle.
  await control.store.db.transaction().execute(async (db) => {
    await sql`set local deadlock_timeout = '10ms'`.execute(db);
    tries++;
    await control.store.lock(db, `node ${node.id}`);
    recalling ??= launches.recall(id);
    await blocked(world.url, 1);
    await db.updateTable("launches").set({ starts: 0 }).where("id", "=", id).execute();
  });

  assert.equal(await recalling, true);
  assert.deepEqual([tries, await state()], [1, "joined"]);
});

/** A node that is up, and the order that it is there for. */
async function ordered(control: OneControl) {
  const { db } = control.store;
  const launches = launchesOf(control);
  const node: TestNode = await control.node();
  const id = randomUUID();
  const joined = { state: "joined", node_id: node.id, joins_as: null, failure: null } as const;
  const times = { ordered_at: 0, launched_at: 0, joined_at: 0, started_at: null, ended_at: null };
  await db
    .insertInto("launches")
    .values({ id, pool: "default", launcher: "timed", scope: "timed", ...joined, ...times })
    .execute();
  const state = async (): Promise<LaunchState | undefined> =>
    (await db.selectFrom("launches").select("state").where("id", "=", id).executeTakeFirst())?.state;
  return { launches, id, node, state };
}

async function open(control: OneControl): Promise<string> {
  const { id: machineId } = await control.machine();
  return (await control.services.consoles.open(control.admin, { machineId, api: "native" })).sessionId;
}

function first(replicas: readonly OneControl[]): OneControl {
  const [control] = replicas;
  assert.ok(control !== undefined);
  return control;
}
