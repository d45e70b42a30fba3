import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { type TestControl, type TestNode, testControl } from "../../../test/harness/control.ts";
import { createTicketSweep, endSession } from "./endings.ts";

test("a ticket that nobody used ends its session when its time is over, and no other", async () => {
  await using control = await testControl();
  const node = await control.node();
  const used = await open(control);
  await redeem(control, node, used);
  const unused = await open(control);
  control.clock.advance(30_000);
  await control.link.registry.heartbeat(node.id, { incarnation: node.incarnation, sessions: 1 });
  const fresh = await open(control);
  control.clock.advance(29_999);
  const sweep = createTicketSweep(control.store);

  assert.equal(await sweep(), 0);
  control.clock.advance(1);
  assert.equal(await sweep(), 1);
  assert.equal(await sweep(), 0);

  const session = await control.services.sessions.get(control.admin, unused);
  assert.deepEqual(session.ending, { kind: "refused", code: "ticket_expired" });
  assert.equal(session.endedAt, new Date(control.clock.now()).toISOString());
  for (const id of [used, fresh])
    assert.equal((await control.services.sessions.get(control.admin, id)).state, "pending");
});

test("a sweep takes a bounded number, and the next one the rest", async () => {
  await using control = await testControl();
  await control.node();
  const first = await open(control);
  const row = await control.store.db
    .selectFrom("sessions")
    .selectAll()
    .where("id", "=", first)
    .executeTakeFirstOrThrow();
  const copies = Array.from({ length: 600 }, () => ({ ...row, id: randomUUID() }));
  for (const copy of copies) await control.store.db.insertInto("sessions").values(copy).execute();
  control.clock.advance(60_000);
  const sweep = createTicketSweep(control.store);

  assert.deepEqual([await sweep(), await sweep(), await sweep()], [500, 101, 0]);
});

test("what is over keeps its first ending", async () => {
  await using control = await testControl();
  await control.node();
  const id = await open(control);
  await endSession(control.store, id, { kind: "refused", code: "machine_gone" });

  await endSession(control.store, id, { kind: "failed", code: "internal", detail: "later" });

  const session = await control.services.sessions.get(control.admin, id);
  assert.deepEqual(session.ending, { kind: "refused", code: "machine_gone" });
});

async function open(control: TestControl): Promise<string> {
  const { id: machineId } = await control.machine();
  return (await control.services.consoles.open(control.admin, { machineId, api: "native" })).sessionId;
}

async function redeem(control: TestControl, { id, incarnation }: TestNode, sessionId: string): Promise<void> {
  await control.link.redeem(id, { incarnation, sessionId, attachment: 1, viewerAddress: "::1" });
}
