import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { sql } from "kysely";
import { type TestControl, type TestNode, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import {
  createLostNodeSweep,
  createSilentNodeSweep,
  createThumbnailSweep,
  createTicketSweep,
  createUnreportedSweep,
  lostSessions,
  silentSessions,
  unreportedSessions,
} from "./session-sweeps.ts";

const MINUTE_MS = 60_000;

for (const t of onBoth(
  "a ticket that nobody used ends its session when its time is over, and no other",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const used = await open(control);
    await redeem(control, node, used);
    const unused = await open(control);
    control.clock.advance(30_000);
    await control.link.registry.heartbeat(node.id, { incarnation: node.incarnation, sessions: 1 });
    const fresh = await open(control);
    control.clock.advance(29_999);
    const sweep = createTicketSweep(control);

    assert.equal(await sweep(), 0);
    control.clock.advance(1);
    assert.equal(await sweep(), 1);
    assert.equal(await sweep(), 0);

    const session = await control.services.sessions.get(control.admin, unused);
    assert.deepEqual(session.ending, { kind: "refused", code: "ticket_expired" });
    assert.equal(session.endedAt, new Date(control.clock.now()).toISOString());
    for (const id of [used, fresh])
      assert.equal((await control.services.sessions.get(control.admin, id)).state, "pending");
  },
))
  test(...t);

for (const t of onBoth("a sweep takes a bounded number, and the next one the rest", async () => {
  await using control = await testControl();
  await control.node();
  const first = await open(control);
  const row = await control.store.db
    .selectFrom("sessions")
    .selectAll()
    .where("id", "=", first)
    .executeTakeFirstOrThrow();
  const copies = Array.from({ length: 600 }, () => ({ ...row, id: randomUUID(), place: null }));
  for (const copy of copies) await control.store.db.insertInto("sessions").values(copy).execute();
  control.clock.advance(60_000);
  const sweep = createTicketSweep(control);

  assert.deepEqual([await sweep(), await sweep(), await sweep()], [500, 101, 0]);
}))
  test(...t);

for (const t of onBoth(
  "a redemption whose answer never arrived ends five minutes later, as its viewer was told",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const id = await open(control);
    const sweep = createUnreportedSweep(control);
    await redeem(control, node, id);
    await beats(control, node, 5 * MINUTE_MS);
    assert.equal(await sweep(), 0);
    control.clock.advance(1);
    await heartbeat(control, node);

    assert.equal(await sweep(), 1);

    const session = await control.services.sessions.get(control.admin, id);
    assert.deepEqual(session.ending, { kind: "failed", code: "control_unreachable" });
    assert.equal(session.endedAt, new Date(control.clock.now()).toISOString());
  },
))
  test(...t);

for (const t of onBoth(
  "a node that was cut off for long has a minute from its first word on to say what it opened",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const [told, untold] = [await open(control), await open(control)];
    const sweep = createUnreportedSweep(control);
    for (const id of [told, untold]) await redeem(control, node, id);
    control.clock.advance(20 * MINUTE_MS);

    await heartbeat(control, node);
    assert.equal(await sweep(), 0);
    await report(control, node, told, "active");
    await beats(control, node, MINUTE_MS);
    assert.equal(await sweep(), 0);
    control.clock.advance(1);
    await heartbeat(control, node);
    assert.equal(await sweep(), 1);

    const state = async (id: string) => (await control.services.sessions.get(control.admin, id)).state;
    assert.deepEqual([await state(told), await state(untold)], ["active", "ended"]);
  },
))
  test(...t);

for (const t of onBoth("a node that reports is heard of, so that its sessions are not given up", async () => {
  await using control = await testControl();
  const node = await control.node();
  const sweeps = [createSilentNodeSweep(control), createLostNodeSweep(control)];
  const id = await opened(control, node);
  control.clock.advance(60 * MINUTE_MS - 1);

  await report(control, node, id, "active");
  control.clock.advance(1);

  for (const sweep of sweeps) assert.equal(await sweep(), 0);
  assert.equal((await control.services.sessions.get(control.admin, id)).state, "active");
}))
  test(...t);

for (const t of onBoth(
  "of redeemed sessions, those that were reported and those of a node that is cut off are left alone",
  async () => {
    await using control = await testControl();
    const [node, silent] = [
      await control.node({ maximumSessions: 1 }),
      await control.node({ maximumSessions: 1 }),
    ];
    const ids = [await open(control), await open(control)];
    const sessions = await Promise.all(
      ids.map(async (id) => await control.services.sessions.get(control.admin, id)),
    );
    const [reported, waiting] = [node, silent].map(
      ({ id }) => sessions.find(({ nodeId }) => nodeId === id)?.id,
    );
    assert.ok(reported !== undefined && waiting !== undefined, "one on each node");
    await redeem(control, node, reported);
    await redeem(control, silent, waiting);
    await report(control, node, reported, "active");
    control.clock.advance(6 * 60_000);
    await heartbeat(control, node);

    assert.equal(await createUnreportedSweep(control)(), 0);

    await report(control, silent, waiting, "active");
    assert.equal((await control.services.sessions.get(control.admin, waiting)).state, "active");
  },
))
  test(...t);

for (const t of onBoth(
  "sessions of a node that is not heard of for an hour end as lost, and stay so when it comes back",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const [carried, opening, unused] = [await open(control), await open(control), await open(control)];
    await redeem(control, node, carried);
    await report(control, node, carried, "active");
    await redeem(control, node, opening);
    const sweep = createLostNodeSweep(control);
    control.clock.advance(60 * 60_000 - 1);
    assert.equal(await sweep(), 0);
    control.clock.advance(1);

    assert.equal(await sweep(), 2);
    await heartbeat(control, node);
    await report(control, node, carried, "active");
    await report(control, node, opening, "ended");

    for (const id of [carried, opening]) {
      const session = await control.services.sessions.get(control.admin, id);
      assert.equal(session.state, "ended");
      assert.deepEqual(session.ending, { kind: "failed", code: "node_lost" });
    }
    assert.equal((await control.services.sessions.get(control.admin, unused)).state, "pending");
  },
))
  test(...t);

for (const t of onBoth(
  "sessions of a node that is silent for two and a half intervals are detached, and active again when it is heard of",
  async () => {
    await using control = await testControl();
    const [quiet, loud] = [await control.node(), await control.node()];
    const sweep = createSilentNodeSweep(control);
    const beat = async ({ id, incarnation }: TestNode) =>
      await control.link.registry.heartbeat(id, { incarnation, sessions: 1 });
    const id = await opened(control, quiet);
    const unopened = await open(control);

    control.clock.advance(12_499);
    assert.equal(await sweep(), 0);
    control.clock.advance(1);
    await beat(loud);
    assert.equal(await sweep(), 1);
    assert.equal(await sweep(), 0);

    const state = async (session: string) =>
      (await control.services.sessions.get(control.admin, session)).state;
    assert.equal(await state(id), "detached");
    assert.equal(await state(unopened), "pending");
    await beat(quiet);
    assert.equal(await state(id), "active");
  },
))
  test(...t);

for (const t of onBoth(
  "a detached session is over when its node has started anew, and when it is told so",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const sweep = createSilentNodeSweep(control);
    const [one, two] = [await opened(control, node), await opened(control, node)];
    control.clock.advance(12_500);
    assert.equal(await sweep(), 2);
    const start = { nodeId: node.id, incarnation: node.incarnation };
    const report = { sessionId: one, attachment: 1, at: control.clock.now() };
    const ending = { kind: "closed", code: "viewer_closed" } as const;

    await control.link.takeReports(start, [
      { ...report, state: "ended", ending, bytesToViewer: 1, bytesFromViewer: 1 },
    ]);
    const { pageOrigin } = (await control.services.nodes.list(control.admin))[0] ?? { pageOrigin: "" };
    await control.link.registry.register(node.id, {
      incarnation: randomUUID(),
      version: "1",
      pageOrigin,
      webSocketOrigin: pageOrigin,
    });

    const of = async (id: string) => (await control.services.sessions.get(control.admin, id)).ending;
    assert.deepEqual(await of(one), ending);
    assert.deepEqual(await of(two), { kind: "failed", code: "node_lost" });
  },
))
  test(...t);

for (const t of onBoth(
  "a node that comes back after its sessions were given up is told to end them",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const sweep = createLostNodeSweep(control);
    const id = await opened(control, node);
    const report = { attachment: 1, at: 0, state: "active", bytesToViewer: 0, bytesFromViewer: 0 } as const;
    control.clock.advance(60 * MINUTE_MS);
    assert.equal(await sweep(), 1);

    const start = { nodeId: node.id, incarnation: node.incarnation };
    const answer = await control.link.takeReports(start, [
      { ...report, sessionId: id },
      { ...report, sessionId: "of nobody" },
    ]);

    assert.deepEqual(answer, { over: [{ sessionId: id, attachment: 1, code: "node_lost" }] });
  },
))
  test(...t);

for (const t of onBoth(
  "how long a node may be silent is a setting, and one that is heard of keeps its sessions",
  async () => {
    await using control = await testControl();
    const { settings } = control.services;
    const node = await control.node();
    const id = await open(control);
    await redeem(control, node, id);
    await report(control, node, id, "active");
    await settings.set(control.admin, "session.lost.timeout", "120000");
    const sweep = createLostNodeSweep(control);
    control.clock.advance(60_000);
    await heartbeat(control, node);
    control.clock.advance(119_999);
    assert.equal(await sweep(), 0);
    control.clock.advance(1);

    assert.equal(await sweep(), 1);

    await assert.rejects(settings.set(control.admin, "session.lost.timeout", "9999"), {
      code: "request_invalid",
    });
  },
))
  test(...t);

for (const t of onBoth("time in which control itself was away is no silence of its nodes", async () => {
  await using control = await testControl();
  const node = await control.node();
  const id = await open(control);
  await redeem(control, node, id);
  await report(control, node, id, "active");
  control.clock.advance(10 * 60 * 60_000);
  const sweep = createLostNodeSweep(control);

  assert.equal(await sweep(), 0);
  control.clock.advance(60 * 60_000);
  assert.equal(await sweep(), 1);
}))
  test(...t);

test("what is to be swept comes off the indexes of the sessions that live", async () => {
  await using control = await testControl();
  const { db } = control.store;
  const unreported = unreportedSessions(db, control.store, {
    unreportedMs: sql<number>`1`,
    reportMs: sql<number>`1`,
  });
  const lost = lostSessions(db, control.store, sql<number>`1`);
  const silent = silentSessions(db, control.store, sql<number>`1`);

  for (const [query, index] of [
    [unreported, /SEARCH sessions USING INDEX sessions_live/],
    [silent, /SEARCH sessions USING INDEX sessions_live/],
    [lost, /SEARCH sessions USING INDEX sessions_places \(node_id=\?\)/],
  ] as const) {
    const { sql: text } = query.compile();
    const plan = await sql
      .raw<{ detail: string }>(`explain query plan ${text.replaceAll("?", "'1'")}`)
      .execute(db);
    assert.match(plan.rows.map((row) => row.detail).join("; "), index);
  }
});

async function open(control: TestControl): Promise<string> {
  const { id: machineId } = await control.machine();
  return (await control.services.consoles.open(control.admin, { machineId, api: "native" })).sessionId;
}

for (const t of onBoth(
  "what a picture leaves behind is forgotten after an hour, and consoles are not",
  async () => {
    await using control = await testControl();
    await control.node();
    const { id: machineId } = await control.machine();
    const { admin, services, store } = control;
    await services.consoles.open(admin, { machineId, api: "cloudstack", purpose: "thumbnail" });
    await services.consoles.open(admin, { machineId, api: "cloudstack" });
    const count = async () => (await store.db.selectFrom("sessions").select("id").execute()).length;
    control.clock.advance(2 * MINUTE_MS);
    await createTicketSweep(control)();
    const sweep = createThumbnailSweep(store);

    control.clock.advance(58 * MINUTE_MS);
    assert.equal(await sweep(), 0);
    control.clock.advance(2 * MINUTE_MS);
    assert.equal(await sweep(), 1);

    assert.equal(await count(), 1);
  },
))
  test(...t);

/** A console that is open on that node. */
async function opened(control: TestControl, node: TestNode): Promise<string> {
  const id = await open(control);
  await redeem(control, node, id);
  await report(control, node, id, "active");
  return id;
}

async function redeem(control: TestControl, { id, incarnation }: TestNode, sessionId: string): Promise<void> {
  await control.link.redeem(id, { incarnation, sessionId, attachment: 1, viewerAddress: "::1" });
}

async function heartbeat(control: TestControl, { id, incarnation }: TestNode): Promise<void> {
  await control.link.registry.heartbeat(id, { incarnation, sessions: 1 });
}

/** Heartbeats as they come, for that long. */
async function beats(control: TestControl, node: TestNode, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 10_000) {
    control.clock.advance(Math.min(left, 10_000));
    await heartbeat(control, node);
  }
}

async function report(
  control: TestControl,
  { id: nodeId, incarnation }: TestNode,
  sessionId: string,
  state: "active" | "ended",
): Promise<void> {
  const ending = { kind: "closed", code: "viewer_closed" } as const;
  const common = { sessionId, attachment: 1, at: control.clock.now(), bytesToViewer: 1, bytesFromViewer: 1 };
  await control.link.takeReports({ nodeId, incarnation }, [
    { ...common, state, ...(state === "ended" ? { ending } : {}) },
  ]);
}
