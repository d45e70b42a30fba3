import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { type TestControl, type TestNode, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { createNovaSessions, sweepNovaTokens } from "./nova-sessions.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

function stage(control: TestControl) {
  const open = createNovaSessions(control);
  return async (
    { id: nodeId, incarnation }: TestNode,
    opening: Partial<Parameters<typeof open>[1]> & { readonly token: string },
  ) =>
    await open(
      { nodeId, incarnation },
      {
        ...{ nonce: randomUUID(), viewer: "198.51.100.7", machine: { id: "i", name: "i" } },
        ...{ protocol: "rfb", isReusable: false, ...opening },
      },
    );
}

for (const t of onBoth(
  "of many who come with one token of Nova's at once one opens its console",
  async () => {
    await using control = await testControl();
    const open = stage(control);
    const [node, token] = [await control.node(), randomUUID()];

    const results = await Promise.allSettled(
      Array.from({ length: 50 }, async () => await open(node, { token })),
    );

    const refused = results.filter((result) => result.status === "rejected");
    assert.equal(refused.length, 49);
    for (const { reason } of refused) assert.equal(reason.code, "ticket_used");
  },
))
  test(...t);

for (const t of onBoth(
  "a question that is asked again opens no other session, until the first is under way",
  async () => {
    await using control = await testControl();
    const open = stage(control);
    const [node, other] = [await control.node(), await control.node()];
    const question = { token: randomUUID(), nonce: randomUUID() };

    const first = await open(node, question);
    assert.deepEqual(await open(node, question), first);
    await assert.rejects(open(other, question), { code: "ticket_used" });
    const { incarnation } = node;
    const report = {
      sessionId: first.sessionId,
      attachment: 1,
      at: control.clock.now(),
      state: "active",
    } as const;
    await control.link.takeReports({ nodeId: node.id, incarnation }, [
      { ...report, bytesToViewer: 1, bytesFromViewer: 1 },
    ]);

    await assert.rejects(open(node, question), { code: "ticket_used" });
    assert.equal((await control.services.sessions.get(control.admin, first.sessionId)).state, "active");
  },
))
  test(...t);

for (const t of onBoth(
  "a token that may be used again opens sessions, of which each has its own row",
  async () => {
    await using control = await testControl();
    const open = stage(control);
    const [node, token] = [await control.node(), randomUUID()];

    const sessions = [
      await open(node, { token, isReusable: true }),
      await open(node, { token, isReusable: true }),
    ];

    assert.equal(new Set(sessions.map(({ sessionId }) => sessionId)).size, 2);
    await assert.rejects(open(node, { token }), { code: "ticket_used" });
  },
))
  test(...t);

for (const t of onBoth("a serial line stays with the node that has it, and a screen is at any", async () => {
  await using control = await testControl();
  const open = stage(control);
  const [node, other] = [await control.node(), await control.node()];
  const come = async (at: TestNode, protocol: "rfb" | "serial") =>
    await open(at, { token: randomUUID(), protocol });

  await come(node, "serial");
  await come(node, "serial");
  await come(other, "rfb");

  await assert.rejects(come(other, "serial"), { code: "machine_busy" });
}))
  test(...t);

for (const t of onBoth(
  "a node that drains, or was started anew, opens no console, and spends no token",
  async () => {
    await using control = await testControl();
    const open = stage(control);
    const [node, token] = [await control.node(), randomUUID()];
    await assert.rejects(open({ ...node, incarnation: randomUUID() }, { token }), {
      code: "node_superseded",
    });
    await control.services.nodes.drain(control.admin, node.id, { outcome: "stay" });

    await assert.rejects(open(node, { token }), { code: "node_draining" });

    await control.services.nodes.start(control.admin, node.id);
    await open(node, { token });
  },
))
  test(...t);

for (const t of onBoth("that a token was used is forgotten after a week, and no sooner", async () => {
  await using control = await testControl();
  const open = stage(control);
  const [node, token] = [await control.node(), randomUUID()];
  await open(node, { token });

  control.clock.advance(6 * DAY_MS);
  assert.equal(await sweepNovaTokens(control.store), 0);
  await assert.rejects(open(node, { token }), { code: "ticket_used" });
  control.clock.advance(DAY_MS);
  assert.equal(await sweepNovaTokens(control.store), 1);
}))
  test(...t);
