import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { pino } from "pino";
import { type OneControl, type TestNode, testControl, testReplicas } from "../../../test/harness/control.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { lackingPostgres } from "../../../test/harness/postgres.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { createDrainErrand, createLeaveErrand } from "../link/errands/draining.ts";

for (const t of onBoth(
  "a node that drains gets nothing new, keeps what it has, and can be taken back",
  async () => {
    await using control = await testControl();
    const [first, second] = [await control.node(), await control.node()];
    const { nodes, sessions } = control.services;
    const open = await active(control, first);

    const drained = await nodes.drain(control.admin, first.id, { outcome: "stay" });
    await control.sweepDraining();

    assert.deepEqual([drained.state, drained.agentState, drained.draining?.sessions], ["draining", "up", 1]);
    for (let times = 0; times < 5; times++) assert.equal(await assigned(control), second.id);
    assert.equal((await sessions.get(control.admin, open)).state, "active");
    assert.deepEqual(await told(control, first, "leave"), []);
    const back = await nodes.start(control.admin, first.id);
    assert.deepEqual([back.state, back.draining], ["running", undefined]);
    // Consoles are given out by what was read of the fleet a moment ago.
    await eventually(async () => assert.equal(await assigned(control), first.id));
  },
))
  test(...t);

for (const t of onBoth("a node that control takes away, having launched it, is not taken back", async () => {
  await using control = await testControl();
  const node = await control.node();
  const { nodes } = control.services;
  const times = { ordered_at: 0, launched_at: 0, joined_at: 0, started_at: null, ended_at: null };
  const launch = { launcher: "process", scope: "here", pool: "default", joins_as: null, failure: null };
  await control.store.db
    .insertInto("launches")
    .values({ id: randomUUID(), node_id: node.id, state: "leaving", ...launch, ...times })
    .execute();

  await nodes.drain(control.admin, node.id, { outcome: "stay" });
  await nodes.start(control.admin, node.id);
  await nodes.drain(control.admin, node.id, { outcome: "stay" });
  await control.store.db.updateTable("launches").set({ state: "removing" }).execute();
  await assert.rejects(nodes.start(control.admin, node.id), { code: "conflict" });

  assert.equal((await nodes.get(control.admin, node.id)).state, "draining");
}))
  test(...t);

for (const t of onBoth(
  "what is left at the deadline is ended, once, with the reason; what was not used yet too",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const open = await active(control, node);
    const unused = await assigned(control, "session");
    const { nodes, sessions } = control.services;
    await nodes.drain(control.admin, node.id, { outcome: "restart", deadlineMs: 60_000, warn: true });

    control.clock.advance(59_999);
    await control.sweepDraining();
    assert.equal((await sessions.get(control.admin, open)).state, "active");
    control.clock.advance(1);
    await Promise.all([control.sweepDraining(), control.sweepDraining()]);

    const ended = await sessions.get(control.admin, unused);
    assert.deepEqual([ended.state, ended.ending], ["ended", { kind: "refused", code: "node_restarting" }]);
    const { state } = await sessions.get(control.admin, open);
    assert.equal(state, "closing");
    const rows = control.store.db.selectFrom("sessions").select("ending_code").where("id", "=", open);
    assert.equal((await rows.executeTakeFirst())?.ending_code, "node_restarting");
  },
))
  test(...t);

for (const t of onBoth("now means now: what is open is to end before anybody sweeps", async () => {
  await using control = await testControl();
  const node = await control.node();
  const open = await active(control, node);
  const { nodes, sessions } = control.services;

  const stopped = await nodes.drain(control.admin, node.id, { outcome: "stop", deadlineMs: 0 });

  assert.equal((await sessions.get(control.admin, open)).state, "closing");
  assert.equal(stopped.state, "stopping");
  await ended(control, node, open);
  assert.equal((await nodes.get(control.admin, node.id)).state, "stopped");
  await assert.rejects(assigned(control), { code: "no_node_available" });
  // Another start of it is wanted no more than this one.
  await register(control, node);
  assert.equal((await nodes.get(control.admin, node.id)).state, "stopped");
  assert.equal((await nodes.start(control.admin, node.id)).state, "running");
  assert.equal(await assigned(control), node.id);
}))
  test(...t);

for (const t of onBoth(
  "a node is told to restart when it carries nothing, and its next start takes sessions",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const open = await active(control, node);
    const { nodes } = control.services;
    await nodes.drain(control.admin, node.id, { outcome: "restart" });
    control.clock.advance(10_000);

    assert.deepEqual(await told(control, node, "leave"), []);
    await ended(control, node, open);
    assert.deepEqual(await told(control, node, "leave"), [{ incarnation: node.incarnation, how: "restart" }]);
    await control.link.registry.deregister(node.id, { incarnation: node.incarnation });
    assert.equal((await nodes.get(control.admin, node.id)).state, "starting");
    await register(control, node);

    assert.equal((await nodes.get(control.admin, node.id)).state, "running");
    assert.deepEqual(await told(control, node, "leave"), []);
    assert.equal(await assigned(control), node.id);
  },
))
  test(...t);

for (const t of onBoth(
  "a node that is destroyed goes when it is empty, and is forgotten once it has gone",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const open = await active(control, node);
    const { nodes } = control.services;
    await nodes.drain(control.admin, node.id, { outcome: "destroy" });
    control.clock.advance(10_000);
    await control.link.registry.heartbeat(node.id, { incarnation: node.incarnation, sessions: 1 });
    await control.sweepDraining();
    assert.equal((await nodes.get(control.admin, node.id)).state, "stopping");

    await ended(control, node, open);
    assert.deepEqual(await told(control, node, "leave"), [{ incarnation: node.incarnation, how: "stop" }]);
    await control.link.registry.deregister(node.id, { incarnation: node.incarnation });
    await Promise.all([control.sweepDraining(), control.sweepDraining()]);

    await assert.rejects(nodes.get(control.admin, node.id), { code: "not_found" });
    const { items } = await control.services.audit.list(control.admin, { object: node.id });
    assert.deepEqual(
      items.map(({ action }) => action).filter((action) => /destroy|remove/.test(action)),
      ["node.remove", "node.destroy"],
    );
  },
))
  test(...t);

for (const t of onBoth(
  "a node that is destroyed and does not answer is forgotten, and its consoles with it",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const open = await active(control, node);
    const { nodes, sessions } = control.services;
    await nodes.drain(control.admin, node.id, { outcome: "destroy", deadlineMs: 0 });

    control.clock.advance(60_000);
    await control.sweepDraining();

    await assert.rejects(nodes.get(control.admin, node.id), { code: "not_found" });
    assert.equal((await sessions.get(control.admin, open)).state, "ended");
  },
))
  test(...t);

for (const t of onBoth(
  "a node is told that it drains once, and again when that changes, or when it starts",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const { nodes } = control.services;
    assert.deepEqual(await told(control, node, "drain"), []);

    await nodes.drain(control.admin, node.id, { outcome: "stop", deadlineMs: 60_000, warn: true });
    const draining = { code: "node_stopping", deadline: control.clock.now() + 60_000, warn: true };
    assert.deepEqual(await told(control, node, "drain"), [{ incarnation: node.incarnation, draining }]);
    assert.deepEqual(await told(control, node, "drain"), []);
    const incarnation = await register(control, node);
    assert.deepEqual(await told(control, node, "drain"), [{ incarnation, draining }]);
    await nodes.start(control.admin, node.id);
    assert.deepEqual(await told(control, node, "drain"), [{ incarnation }]);
  },
))
  test(...t);

for (const t of onBoth(
  "a node that stops by itself gets nothing new, and comes back as if nothing had been",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const { nodes } = control.services;
    const deadline = control.clock.now() + 20_000;
    const beat = { incarnation: node.incarnation, sessions: 3, leaving: { deadline } };

    await control.link.registry.heartbeat(node.id, beat);
    const leaving = await nodes.get(control.admin, node.id);

    assert.deepEqual([leaving.state, leaving.draining?.outcome], ["stopping", "leave"]);
    await assert.rejects(assigned(control), { code: "no_node_available" });
    await assert.rejects(nodes.start(control.admin, node.id), { code: "conflict" });
    await control.link.registry.deregister(node.id, { incarnation: node.incarnation });
    const { state, agentState } = await nodes.get(control.admin, node.id);
    assert.deepEqual([state, agentState], ["stopped", "disconnected"]);
    await register(control, node);
    assert.equal((await nodes.get(control.admin, node.id)).state, "running");
  },
))
  test(...t);

for (const t of onBoth(
  "what an administrator wants of a node stands above what it does by itself",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const { nodes } = control.services;
    await nodes.drain(control.admin, node.id, { outcome: "stay" });
    const beat = { incarnation: node.incarnation, sessions: 0, leaving: { deadline: 1 } };

    await control.link.registry.heartbeat(node.id, beat);
    await control.link.registry.deregister(node.id, { incarnation: node.incarnation });
    await register(control, node);

    assert.equal((await nodes.get(control.admin, node.id)).state, "draining");
  },
))
  test(...t);

for (const t of onBoth(
  "members drain and start nothing, and what cannot be is refused in words",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const member = await control.member("member", []);
    const { nodes } = control.services;

    await assert.rejects(nodes.drain(member, node.id, { outcome: "stop" }), { code: "forbidden" });
    await assert.rejects(nodes.start(member, node.id), { code: "forbidden" });
    await assert.rejects(nodes.get(member, node.id), { code: "forbidden" });
    await assert.rejects(nodes.drain(control.admin, "no-such-node", { outcome: "stop" }), {
      code: "not_found",
    });
    await control.link.registry.deregister(node.id, { incarnation: node.incarnation });
    await assert.rejects(nodes.drain(control.admin, node.id, { outcome: "restart" }), { code: "conflict" });
    await assert.rejects(nodes.start(control.admin, node.id), { code: "conflict" });
    await nodes.revoke(control.admin, node.id);
    await assert.rejects(nodes.drain(control.admin, node.id, { outcome: "stay" }), { code: "conflict" });
  },
))
  test(...t);

test("of replicas that drain, sweep and start at once each thing is done once", {
  skip: lackingPostgres,
}, async () => {
  await using cluster = await testReplicas(3);
  const [one, two, three] = cluster.replicas as [OneControl, OneControl, OneControl];
  const node = await one.node();
  const open = await active(one, node);

  await Promise.all(
    cluster.replicas.map(
      async ({ services, admin }) =>
        await services.nodes.drain(admin, node.id, { outcome: "destroy", deadlineMs: 0 }),
    ),
  );
  await Promise.all(cluster.replicas.map(async ({ sweepDraining }) => await sweepDraining()));
  await ended(two, node, open);
  await three.link.registry.deregister(node.id, { incarnation: node.incarnation });
  await Promise.all(cluster.replicas.map(async ({ sweepDraining }) => await sweepDraining()));

  const { items } = await two.services.audit.list(two.admin, { object: node.id });
  const times = (action: string) => items.filter((item) => item.action === action).length;
  assert.deepEqual([times("node.destroy"), times("node.remove")], [3, 1]);
  assert.deepEqual(await one.services.nodes.list(one.admin), []);
});

/** What an errand tells the node, which answers that it is done. */
async function told(control: OneControl, node: Pick<TestNode, "id">, command: "drain" | "leave") {
  const parts = { store: control.store, log: pino({ level: "silent" }) };
  const errand = command === "drain" ? createDrainErrand(parts) : createLeaveErrand(parts);
  const commands: unknown[] = [];
  await errand(node.id, async (name, body) => {
    assert.equal(name, command);
    commands.push(body);
    return command === "drain" ? {} : { leaves: true };
  });
  return commands;
}

/** The node that a new console is given to, or its session. */
async function assigned(control: OneControl, what: "node" | "session" = "node"): Promise<string> {
  const { id: machineId } = await control.machine();
  const { sessionId } = await control.services.consoles.open(control.admin, { machineId, api: "native" });
  if (what === "session") return sessionId;
  const session = await control.services.sessions.get(control.admin, sessionId);
  return session.nodeId;
}

/** A console that is open on this node, which has to be the one that consoles are given to. */
async function active(control: OneControl, { id, incarnation }: TestNode): Promise<string> {
  const sessionId = await assigned(control, "session");
  await control.link.redeem(id, { incarnation, sessionId, attachment: 1, viewerAddress: "203.0.113.9" });
  await report(control, { id, incarnation }, sessionId, "active");
  return sessionId;
}

async function ended(control: OneControl, node: TestNode, sessionId: string): Promise<void> {
  await report(control, node, sessionId, "ended");
}

async function report(
  control: OneControl,
  { id: nodeId, incarnation }: Pick<TestNode, "id" | "incarnation">,
  sessionId: string,
  state: "active" | "ended",
): Promise<void> {
  const ending = { kind: "closed", code: "viewer_closed" } as const;
  await control.link.takeReports({ nodeId, incarnation }, [
    {
      sessionId,
      attachment: 1,
      at: control.clock.now(),
      state,
      ...(state === "ended" ? { ending } : {}),
      bytesToViewer: 0,
      bytesFromViewer: 0,
    },
  ]);
}

/** Resolves to the incarnation of a new start. */
async function register(control: OneControl, { id }: TestNode): Promise<string> {
  const incarnation = randomUUID();
  const origin = "http://node.example.com:8080";
  await control.link.registry.register(id, {
    incarnation,
    version: "1.2.4",
    pageOrigin: origin,
    webSocketOrigin: origin,
    sharesAddress: true,
  });
  return incarnation;
}
