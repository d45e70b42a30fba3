import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { type TestControl, type TestNode, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";

for (const t of onBoth("what a revoked node asked before it was cut off makes it none again", async () => {
  await using control = await testControl();
  const node = await control.node();
  await control.services.nodes.revoke(control.admin, node.id);

  await assert.rejects(register(control, node), { code: "node_refused" });
  const beat = control.link.registry.heartbeat(node.id, { incarnation: node.incarnation, sessions: 1 });
  await assert.rejects(beat, { code: "node_superseded" });

  assert.deepEqual(await states(control), ["revoked"]);
  const { id: machineId } = await control.machine();
  await assert.rejects(control.services.consoles.open(control.admin, { machineId, api: "native" }), {
    code: "no_node_available",
  });
}))
  test(...t);

for (const t of onBoth("a node that is revoked twice is as it was", async () => {
  await using control = await testControl();
  const node = await control.node();

  const first = await control.services.nodes.revoke(control.admin, node.id);
  control.clock.advance(1000);

  assert.deepEqual(await control.services.nodes.revoke(control.admin, node.id), first);
}))
  test(...t);

for (const t of onBoth("a node is removed when it is down or revoked, not while it is up", async () => {
  await using control = await testControl();
  const [up, stopped, revoked, silent] = [
    await control.node(),
    await control.node(),
    await control.node(),
    await control.node(),
  ];
  const { nodes, sessions } = control.services;
  await control.link.registry.deregister(stopped.id, { incarnation: stopped.incarnation });
  await nodes.revoke(control.admin, revoked.id);
  const carried = await redeemed(control, silent);
  await control.store.db.updateTable("nodes").set({ seen_at: 0 }).where("id", "=", silent.id).execute();

  await assert.rejects(nodes.remove(control.admin, up.id), { code: "conflict" });
  for (const { id } of [stopped, revoked, silent]) await nodes.remove(control.admin, id);

  assert.deepEqual(
    (await nodes.list(control.admin)).map(({ id }) => id),
    [up.id],
  );
  const session = await sessions.get(control.admin, carried);
  assert.deepEqual(session.ending, { kind: "failed", code: "node_lost" });
  await assert.rejects(nodes.remove(control.admin, silent.id), { code: "not_found" });
  await assert.rejects(nodes.revoke(control.admin, silent.id), { code: "not_found" });
}))
  test(...t);

for (const t of onBoth("members neither revoke nor remove nodes", async () => {
  await using control = await testControl();
  const node = await control.node();
  const member = await control.member("member", []);

  await assert.rejects(control.services.nodes.revoke(member, node.id), { code: "forbidden" });
  await assert.rejects(control.services.nodes.remove(member, node.id), { code: "forbidden" });

  assert.deepEqual(await states(control), ["running"]);
}))
  test(...t);

async function states(control: TestControl) {
  return (await control.services.nodes.list(control.admin)).map(({ state }) => state);
}

async function register(control: TestControl, { id }: TestNode) {
  const origin = "http://n.example";
  const start = { incarnation: randomUUID(), version: "1" };
  return await control.link.registry.register(id, { ...start, pageOrigin: origin, webSocketOrigin: origin });
}

/** A console that only this node can carry just now. */
async function redeemed(control: TestControl, { id, incarnation }: TestNode): Promise<string> {
  const others = control.store.db.updateTable("nodes").where("id", "<>", id);
  await others.set({ maximum_sessions: 0 }).execute();
  const { id: machineId } = await control.machine();
  const { sessionId } = await control.services.consoles.open(control.admin, { machineId, api: "native" });
  await control.link.redeem(id, { incarnation, sessionId, attachment: 1, viewerAddress: "::1" });
  return sessionId;
}
