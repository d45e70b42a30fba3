import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type OneControl,
  type TestControl,
  type TestNode,
  testControl,
  testReplicas,
} from "../../../test/harness/control.ts";
import { lackingPostgres } from "../../../test/harness/postgres.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import type { Store } from "../store/store.ts";
import { createSeats } from "./seats.ts";

const skip = lackingPostgres;

test("a burst of new machines fills nodes to the setting exactly", { skip }, async () => {
  await using opened = await testReplicas(3);
  const [first] = opened.replicas;
  assert.ok(first !== undefined);
  for (let count = 0; count < 6; count += 1) await first.node();
  for (const { services, admin } of opened.replicas)
    await services.settings.set(admin, "consoleproxy.session.max", "10");
  const machines = [];
  for (let count = 0; count < 80; count += 1) machines.push(await first.machine());

  const results = await Promise.allSettled(
    machines.map(async ({ id }, index) => await openAt(opened.replicas[index % 3] as OneControl, id)),
  );

  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 60);
  for (const result of results)
    if (result.status === "rejected") assert.equal(result.reason.code, "no_node_available");
  assert.deepEqual(new Set((await perNode(first)).values()), new Set([10]));
});

for (const t of onBoth("a place is free again when its session is over", async () => {
  await using control = await testControl();
  const node = await control.node();
  await control.services.settings.set(control.admin, "consoleproxy.session.max", "2");
  const opened = [await openNew(control), await openNew(control)];
  await assert.rejects(openNew(control), { code: "no_node_available" });

  await control.services.sessions.end(control.admin, opened[0] ?? "");

  assert.equal(await nodeOf(control, await openNew(control)), node.id);
  await assert.rejects(openNew(control), { code: "no_node_available" });
}))
  test(...t);

for (const t of onBoth(
  "a machine goes back to its node though that has reached the setting, for as long as the setting says",
  async () => {
    await using control = await testControl();
    const [full, other] = [await control.node(), await control.node()];
    const { settings, sessions } = control.services;
    await settings.set(control.admin, "consoleproxy.session.timeout", "60000");
    await settings.set(control.admin, "consoleproxy.session.max", "2");
    const { id: machineId } = await control.machine();
    const first = await openAt(control, machineId);
    assert.equal(await nodeOf(control, await openNew(control)), full.id);
    await redeem(control, full, first);

    assert.equal(await nodeOf(control, await openAt(control, machineId)), full.id);
    await settings.set(control.admin, "consoleproxy.session.max", "1");
    for (const { id } of (await sessions.list(control.admin, { machineId })).items)
      await sessions.end(control.admin, id);
    await leave(control, full, first);
    await keepUp(control, [full, other], 59_000);
    const second = await openAt(control, machineId);
    await redeem(control, full, second);
    assert.deepEqual([await nodeOf(control, first), await nodeOf(control, second)], [full.id, full.id]);

    await leave(control, full, second);
    await keepUp(control, [full, other], 61_000);
    assert.equal(await nodeOf(control, await openAt(control, machineId)), other.id);
  },
))
  test(...t);

for (const t of onBoth(
  "links that nobody used do not draw a machine to its node beyond the setting",
  async () => {
    await using control = await testControl();
    const [full, other] = [await control.node(), await control.node()];
    await control.services.settings.set(control.admin, "consoleproxy.session.max", "2");
    const { id: machineId } = await control.machine();

    assert.equal(await nodeOf(control, await openAt(control, machineId)), full.id);
    const last = await openAt(control, machineId);
    assert.equal(await nodeOf(control, await openAt(control, machineId)), other.id);

    // Though it is not the latest of them.
    await redeem(control, full, last);
    assert.equal(await nodeOf(control, await openAt(control, machineId)), full.id);
  },
))
  test(...t);

test("machines that come back leave no room that others take who have not heard of it", {
  skip,
}, async () => {
  await using opened = await testReplicas(2);
  const [one, other] = opened.replicas;
  assert.ok(one !== undefined && other !== undefined);
  const node = await one.node();
  await one.services.settings.set(one.admin, "consoleproxy.session.max", "4");
  await other.services.settings.set(other.admin, "consoleproxy.session.max", "4");
  const { id: machineId } = await one.machine();
  // A second node, or nobody would ask where the machine was.
  await drain(one, (await one.node()).id);
  await openNew(other);
  await redeem(one, node, await openAt(one, machineId));

  await openAt(one, machineId);
  await openAt(one, machineId);

  await assert.rejects(openNew(other), { code: "no_node_available" });
  await openAt(one, machineId);
  assert.equal((await perNode(one)).get(node.id), 5);
});

for (const t of onBoth("a node that drains is given nothing new, and machines leave it", async () => {
  await using control = await testControl();
  const [draining, other] = [await control.node(), await control.node()];
  const { id: machineId } = await control.machine();
  const opened = await openAt(control, machineId);
  assert.equal(await nodeOf(control, opened), draining.id);
  await redeem(control, draining, opened);

  await drain(control, draining.id);

  assert.equal(await nodeOf(control, await openAt(control, machineId)), other.id);
  assert.equal(await nodeOf(control, await openNew(control)), other.id);
}))
  test(...t);

for (const t of onBoth(
  "a console that bears one connection is given to the node that holds it, draining or not",
  async () => {
    await using control = await testControl();
    const [holder, other] = [await control.node(), await control.node()];
    const { id } = await control.machine();
    const chooseSeat = createSeats(control);
    const guest = { id, pool: "default", protocol: "rfb" as const, isExclusive: true };
    const session = await openAt(control, id);
    await drain(control, holder.id);

    assert.equal((await chooseSeat(guest)).node.id, holder.id);
    await control.link.registry.deregister(other.id, { incarnation: other.incarnation });
    await control.store.db.updateTable("nodes").set({ seen_at: 0 }).where("id", "=", holder.id).execute();
    await assert.rejects(createSeats(control)(guest), { code: "machine_busy" });

    const third = await control.node();
    await control.services.sessions.end(control.admin, session);
    assert.equal((await createSeats(control)(guest)).node.id, third.id);
  },
))
  test(...t);

for (const t of onBoth(
  "of a node with very many places few are looked at, and the last free one is found",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    await control.services.settings.set(control.admin, "consoleproxy.session.max", "1000");
    const taken = Array.from({ length: 600 }, (_, n) => Math.floor((n * 1000) / 600));
    await take(control, node, taken);
    let mostRows = 0;
    const store: Store = {
      ...control.store,
      run: async (db, query) => {
        const rows = await control.store.run(db, query);
        mostRows = Math.max(mostRows, rows.length);
        return rows;
      },
    };
    const { id } = await control.machine();
    const guest = { id, pool: "default", protocol: "rfb" as const, isExclusive: false };

    const seat = await createSeats({ ...control, store })(guest);

    assert.ok(!taken.includes(seat.place));
    assert.ok(mostRows <= 64, `${mostRows}`);
    const left = Array.from({ length: 999 }, (_, place) => place).filter((place) => !taken.includes(place));
    await take(control, node, left);
    assert.equal((await createSeats(control)(guest)).place, 999);
  },
))
  test(...t);

for (const t of onBoth("where it is set, consoles are spread over all nodes", async () => {
  await using control = await testControl();
  const nodes = [await control.node(), await control.node(), await control.node()];
  await control.services.settings.set(control.admin, "consoleproxy.assignment.order", "least-loaded");

  for (let count = 0; count < 12; count += 1) await openNew(control);

  // About as many each: a reading may miss the one that was given out meanwhile.
  const loads = await perNode(control);
  for (const { id } of nodes) assert.ok((loads.get(id) ?? 0) >= 3 && (loads.get(id) ?? 0) <= 5);
}))
  test(...t);

async function openAt({ services, admin }: OneControl, machineId: string): Promise<string> {
  return (await services.consoles.open(admin, { machineId, api: "native" })).sessionId;
}

async function openNew(control: OneControl): Promise<string> {
  const { id } = await control.machine();
  return await openAt(control, id);
}

async function redeem({ link }: OneControl, { id, incarnation }: TestNode, sessionId: string): Promise<void> {
  await link.redeem(id, { incarnation, sessionId, attachment: 1, viewerAddress: "198.51.100.7" });
}

/** The viewer goes, and the node says so. */
async function leave(
  { link, clock }: OneControl,
  { id: nodeId, incarnation }: TestNode,
  sessionId: string,
): Promise<void> {
  const ending = { kind: "closed", code: "viewer_closed" } as const;
  const counters = { bytesToViewer: 1, bytesFromViewer: 1 };
  await link.takeReports({ nodeId, incarnation }, [
    { sessionId, attachment: 1, at: clock.now(), state: "ended", ending, ...counters },
  ]);
}

async function nodeOf({ services, admin }: OneControl, sessionId: string): Promise<string> {
  return (await services.sessions.get(admin, sessionId)).nodeId;
}

/** How many sessions live on each node. */
async function perNode({ store }: OneControl): Promise<ReadonlyMap<string, number>> {
  const rows = await store.db
    .selectFrom("sessions")
    .select("node_id")
    .where("state", "<>", "ended")
    .execute();
  return new Map(
    [...Map.groupBy(rows, ({ node_id }) => node_id)].map(([nodeId, sessions]) => [nodeId, sessions.length]),
  );
}

/** Sessions with these places. */
async function take({ store, admin }: OneControl, node: TestNode, places: readonly number[]): Promise<void> {
  await store.db
    .insertInto("sessions")
    .values(
      places.map((place) => ({
        id: `session-${place}`,
        account_id: admin.accountId,
        account_name: "admin",
        project_id: "project",
        machine_id: `machine-${place}`,
        machine_name: "web",
        protocol: "rfb" as const,
        api: "native" as const,
        view_only: 0 as const,
        purpose: "console" as const,
        node_id: node.id,
        incarnation: node.incarnation,
        attachment: 1,
        place,
        state: "active" as const,
        created_at: 0,
        ticket_expires_at: 0,
        creator_address: "192.0.2.1",
        bytes_to_viewer: 0,
        bytes_from_viewer: 0,
      })),
    )
    .execute();
}

async function drain({ store }: OneControl, nodeId: string): Promise<void> {
  await store.db.updateTable("nodes").set({ draining_at: store.now }).where("id", "=", nodeId).execute();
}

/** Time passes, and the nodes report. */
async function keepUp({ clock, link }: TestControl, nodes: readonly TestNode[], ms: number): Promise<void> {
  clock.advance(ms);
  for (const { id, incarnation } of nodes) await link.registry.heartbeat(id, { incarnation, sessions: 0 });
}
