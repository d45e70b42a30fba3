import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { Session } from "#wire/api.ts";
import { linkLimits, type SessionReport } from "#wire/link.ts";
import { type TestControl, type TestNode, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";

for (const t of onBoth("a session becomes active and ends, with its bytes and its reason", async () => {
  await using control = await testControl();
  const node = await control.node();
  const sessionId = await redeemed(control, node);

  await report(control, node, active(control, sessionId, 10));
  assert.equal((await session(control, sessionId)).state, "active");
  await report(control, node, ended(control, sessionId, 20));

  const { state, endedAt, ending, bytesToViewer, bytesFromViewer } = await session(control, sessionId);
  assert.deepEqual(
    { state, endedAt, ending, bytesToViewer, bytesFromViewer },
    {
      state: "ended",
      endedAt: new Date(control.clock.now()).toISOString(),
      ending: { kind: "failed", code: "upstream_closed", detail: "said goodbye", step: "handshake" },
      bytesToViewer: 20,
      bytesFromViewer: 20,
    },
  );
}))
  test(...t);

for (const t of onBoth("reports may come twice, late and in the wrong order", async () => {
  await using control = await testControl();
  const node = await control.node();
  const sessionId = await redeemed(control, node);
  const end = ended(control, sessionId, 20);

  await report(control, node, end, active(control, sessionId, 10), end);
  control.clock.advance(1000);
  await report(
    control,
    node,
    { ...end, at: control.clock.now(), bytesToViewer: 99 },
    active(control, sessionId, 30),
  );

  const { state, endedAt, bytesToViewer } = await session(control, sessionId);
  assert.equal(state, "ended");
  assert.equal(endedAt, new Date(end.at).toISOString());
  assert.equal(bytesToViewer, 20);
}))
  test(...t);

for (const t of onBoth("counters only rise", async () => {
  await using control = await testControl();
  const node = await control.node();
  const sessionId = await redeemed(control, node);

  await report(control, node, active(control, sessionId, 30), active(control, sessionId, 10));
  assert.equal((await session(control, sessionId)).bytesToViewer, 30);
  await report(control, node, ended(control, sessionId, 5));

  assert.equal((await session(control, sessionId)).bytesToViewer, 30);
}))
  test(...t);

for (const t of onBoth(
  "what another node, another start or another attachment says changes nothing",
  async () => {
    await using control = await testControl();
    const [node, other] = [await control.node(), await control.node()];
    const sessionId = await redeemed(control, node);
    await report(control, node, active(control, sessionId, 10));
    const before = await session(control, sessionId);
    const end = ended(control, sessionId, 20);

    await report(control, other, end);
    await report(control, { ...node, incarnation: randomUUID() }, end);
    await report(control, { ...other, incarnation: node.incarnation }, end);
    await report(control, node, { ...end, attachment: 2 });
    await report(control, node, { ...end, sessionId: randomUUID() });

    assert.deepEqual(await session(control, sessionId), before);
  },
))
  test(...t);

for (const t of onBoth("a node cannot end or start what it has not redeemed", async () => {
  await using control = await testControl();
  const node = await control.node();
  const machine = await control.machine();
  const { sessionId } = await control.services.consoles.open(control.admin, {
    machineId: machine.id,
    api: "native",
  });

  await report(control, node, active(control, sessionId, 1), ended(control, sessionId, 1));

  assert.equal((await session(control, sessionId)).state, "pending");
  await control.link.redeem(node.id, {
    incarnation: node.incarnation,
    sessionId,
    attachment: 1,
    viewerAddress: "::1",
  });
}))
  test(...t);

for (const t of onBoth(
  "a session does not end before it began, or in the future, whatever the node's clock says",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const [early, late] = [await redeemed(control, node), await redeemed(control, node)];
    const redeemedAt = new Date(control.clock.now()).toISOString();
    control.clock.advance(5000);

    await report(
      control,
      node,
      { ...ended(control, early, 1), at: 0 },
      { ...ended(control, late, 1), at: 4e12 },
    );

    assert.equal((await session(control, early)).endedAt, redeemedAt);
    assert.equal((await session(control, late)).endedAt, new Date(control.clock.now()).toISOString());
  },
))
  test(...t);

for (const t of onBoth("a full batch is taken as one", async () => {
  await using control = await testControl();
  const node = await control.node();
  await control.services.settings.set(control.admin, "consoleproxy.session.max", "1000");
  const ids = [];
  for (let count = 0; count < linkLimits.reportsPerRequest / 2; count++)
    ids.push(await redeemed(control, node));

  await report(
    control,
    node,
    ...ids.map((id) => active(control, id, 1)),
    ...ids.map((id) => ended(control, id, 2)),
  );

  const { items } = await control.services.sessions.list(control.admin, { state: "ended", limit: 500 });
  assert.equal(items.length, ids.length);
  assert.ok(items.every(({ bytesToViewer }) => bytesToViewer === 2));
}))
  test(...t);

async function redeemed(control: TestControl, { id, incarnation }: TestNode): Promise<string> {
  const machine = await control.machine();
  const { sessionId } = await control.services.consoles.open(control.admin, {
    machineId: machine.id,
    api: "native",
  });
  await control.link.redeem(id, { incarnation, sessionId, attachment: 1, viewerAddress: "::1" });
  return sessionId;
}

async function session(control: TestControl, id: string): Promise<Session> {
  return await control.services.sessions.get(control.admin, id);
}

async function report(
  control: TestControl,
  { id, incarnation }: Pick<TestNode, "id" | "incarnation">,
  ...reports: SessionReport[]
): Promise<void> {
  await control.link.takeReports({ nodeId: id, incarnation }, reports);
}

function active({ clock }: TestControl, sessionId: string, bytes: number): SessionReport {
  const counters = { bytesToViewer: bytes, bytesFromViewer: bytes };
  return { sessionId, attachment: 1, at: clock.now(), state: "active", ...counters };
}

function ended({ clock }: TestControl, sessionId: string, bytes: number): SessionReport {
  const ending = { kind: "failed", code: "upstream_closed", detail: "said goodbye" } as const;
  const counters = { bytesToViewer: bytes, bytesFromViewer: bytes };
  const what = { state: "ended", ending, step: "handshake" } as const;
  return { sessionId, attachment: 1, at: clock.now(), ...what, ...counters };
}
