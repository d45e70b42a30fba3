import assert from "node:assert/strict";
import { test } from "node:test";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";

for (const t of onBoth("a node belongs to the pool of the token that it joined with", async () => {
  await using control = await testControl();

  const north = await nodeOf(control, "north");
  const plain = await control.node();

  const nodes = await control.services.nodes.list(control.admin);
  assert.deepEqual(
    nodes.map(({ id, pool }) => [id, pool]),
    [
      [north.id, "north"],
      [plain.id, "default"],
    ],
  );
}))
  test(...t);

for (const t of onBoth("a machine's consoles are given to nodes of its pool, and to no others", async () => {
  await using control = await testControl();
  const plain = await control.node();
  const north = await nodeOf(control, "north");
  const ours = await control.machine();
  const theirs = await control.machine({ pool: "north" });

  for (let time = 1; time <= 5; time++) {
    assert.equal(await nodeThatCarries(control, ours.id), plain.id);
    assert.equal(await nodeThatCarries(control, theirs.id), north.id);
  }
}))
  test(...t);

for (const t of onBoth(
  "a machine of a pool without nodes has none, and is carried once it is moved to one that has some",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const machine = await control.machine({ pool: "south" });

    await assert.rejects(nodeThatCarries(control, machine.id), { code: "no_node_available" });
    const moved = await control.services.machines.update(control.admin, machine.id, { pool: "default" });

    assert.equal(moved.pool, "default");
    assert.equal(await nodeThatCarries(control, machine.id), node.id);
  },
))
  test(...t);

for (const t of onBoth(
  "a node is told of the nodes of its pool that are up and can be handed something, and of no others",
  async () => {
    await using control = await testControl();
    const one = await control.node({ forwardAddress: "192.0.2.1:9000" });
    const two = await control.node({
      forwardAddress: "[2001:db8::2]:9000",
      pageOrigin: "http://two.example",
    });
    const mute = await control.node({ pageOrigin: "http://mute.example" });
    await nodeOf(control, "north", { forwardAddress: "192.0.2.3:9000" });

    const settings = async ({ id, incarnation }: typeof one) =>
      (await control.link.registry.heartbeat(id, { incarnation, sessions: 0 })).settings;

    assert.deepEqual((await settings(one)).peers, [{ nodeId: two.id, address: "[2001:db8::2]:9000" }]);
    assert.deepEqual((await settings(one)).entrances, ["http://two.example", "http://mute.example"]);
    assert.equal((await settings(mute)).peers?.length, 2);
    await control.link.registry.deregister(two.id, { incarnation: two.incarnation });
    assert.deepEqual((await settings(one)).peers, []);
  },
))
  test(...t);

for (const t of onBoth("entrances that drain are the last that viewers are to try", async () => {
  await using control = await testControl();
  const [one, two] = [await control.node(), await control.node({ pageOrigin: "http://two.example" })];
  await control.node({ pageOrigin: "http://three.example" });

  await control.services.nodes.drain(control.admin, two.id, { outcome: "stay" });

  const { settings } = await control.link.registry.heartbeat(one.id, {
    incarnation: one.incarnation,
    sessions: 0,
  });
  assert.deepEqual(settings.entrances, ["http://three.example", "http://two.example"]);
}))
  test(...t);

for (const t of onBoth("an address to hand on to that is none is refused", async () => {
  await using control = await testControl();

  for (const forwardAddress of ["192.0.2.1", "http://192.0.2.1:9000", "a b:9000"])
    await assert.rejects(control.node({ forwardAddress }), {
      code: "request_invalid",
      detail: /^forwardAddress: /,
    });
}))
  test(...t);

async function nodeOf(control: TestControl, pool: string, options = {}) {
  const { token } = await control.services.nodes.addJoinToken(control.admin, { pool });
  return await control.node({ joinToken: token, ...options });
}

async function nodeThatCarries(control: TestControl, machineId: string): Promise<string> {
  const { sessionId } = await control.services.consoles.open(control.admin, { machineId, api: "native" });
  return (await control.services.sessions.get(control.admin, sessionId)).nodeId;
}
