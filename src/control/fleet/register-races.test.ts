import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { type OneControl, type TestNode, testReplicas } from "../../../test/harness/control.ts";
import { lackingPostgres } from "../../../test/harness/postgres.ts";

const skip = lackingPostgres;

test("of two starts of one node that register at once one is the node, and the other never becomes it", {
  skip,
}, async () => {
  await using world = await testReplicas(2);
  const { replicas } = world;
  const [here, there] = replicas;
  assert.ok(here !== undefined && there !== undefined);
  let node: Started = await here.node();

  for (let round = 0; round < 10; round++) node = await race([here, there], node);
});

/** Resolves to the node as it is then. */
async function race([here, there]: readonly [OneControl, OneControl], node: Started): Promise<Started> {
  const starts = [randomUUID(), randomUUID()];
  const carried = await carry(here, node);

  // Each of them asks twice, as where an answer was lost.
  const asked = starts.flatMap((start) => [register(here, node, start), register(there, node, start)]);
  const told = await Promise.allSettled(asked);

  for (const each of told) if (each.status === "rejected") assert.equal(each.reason.code, "node_superseded");
  const present = await incarnationOf(here, node);
  const [past = "", ...none] = starts.filter((start) => start !== present);
  assert.ok(present !== null && none.length === 0, "one of the two");
  for (const control of [here, there]) {
    await assert.rejects(beat(control, node, past), { code: "node_superseded" });
    await assert.rejects(register(control, node, past), { code: "node_superseded" });
  }
  for (const control of [here, there]) await beat(control, node, present);
  const session = await here.services.sessions.get(here.admin, carried);
  assert.deepEqual([session.state, session.ending?.code], ["ended", "node_lost"]);
  return { ...node, incarnation: present };
}

type Started = Pick<TestNode, "id" | "incarnation">;

/** A console that the node's present start has open. */
async function carry({ services, admin, link, machine }: OneControl, node: Started): Promise<string> {
  const { id: machineId } = await machine();
  const { sessionId } = await services.consoles.open(admin, { machineId, api: "native" });
  const { incarnation } = node;
  await link.redeem(node.id, { incarnation, sessionId, attachment: 1, viewerAddress: "::1" });
  return sessionId;
}

async function register({ link }: OneControl, { id }: Started, incarnation: string): Promise<void> {
  const origin = "http://node.example.com:8080";
  await link.registry.register(id, {
    incarnation,
    version: "1.2.3",
    pageOrigin: origin,
    webSocketOrigin: origin,
    sharesAddress: true,
  });
}

async function beat({ link }: OneControl, { id }: Started, incarnation: string): Promise<void> {
  await link.registry.heartbeat(id, { incarnation, sessions: 0 });
}

async function incarnationOf({ store }: OneControl, { id }: Started): Promise<string | null> {
  const row = await store.db
    .selectFrom("nodes")
    .select("incarnation")
    .where("id", "=", id)
    .executeTakeFirst();
  return row?.incarnation ?? null;
}
