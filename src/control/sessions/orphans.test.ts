import assert from "node:assert/strict";
import { test } from "node:test";
import { testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { createOfflineSweep, createOrphanSweep } from "./session-sweeps.ts";

const NODE = "http://node.example.com:8080";

for (const t of onBoth("a session whose node is forgotten is over, and no other", async () => {
  await using control = await testControl();
  const kept = await control.node({ pageOrigin: NODE });
  const keptSession = await redeemed(control, kept);
  await control.services.nodes.drain(control.admin, kept.id, { outcome: "stay" });
  const node = await control.node({ pageOrigin: "http://other.example.com:8080" });
  const session = await redeemed(control, node);
  const sweep = createOrphanSweep(control);
  assert.equal(await sweep(), 0);

  // As where the console was given out by one who had not seen yet that the node goes.
  await control.store.db.deleteFrom("nodes").where("id", "=", node.id).execute();

  assert.deepEqual([await sweep(), await sweep()], [1, 0]);
  const { state, ending } = await control.services.sessions.get(control.admin, session);
  assert.deepEqual([state, ending], ["ended", { kind: "failed", code: "node_lost" }]);
  assert.equal((await control.services.sessions.get(control.admin, keptSession)).state, "pending");
  const { items } = await control.services.audit.list(control.admin, { action: "console.end" });
  assert.equal(items.length, 1);
}))
  test(...t);

for (const t of onBoth(
  "a ticket that was given ahead to a node that is forgotten ends in its time",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    await control.services.settings.set(control.admin, "console.offline.policy", "accept");
    const session = await issued(control);
    await control.store.db.deleteFrom("nodes").where("id", "=", node.id).execute();
    const sweep = createOfflineSweep(control);
    assert.equal(await sweep(), 0);

    control.clock.advance(60_000);

    assert.equal(await sweep(), 1);
    assert.equal((await control.services.sessions.get(control.admin, session)).state, "ended");
  },
))
  test(...t);

type Control = Awaited<ReturnType<typeof testControl>>;

async function issued({ services, admin, machine }: Control): Promise<string> {
  const { id: machineId } = await machine();
  return (await services.consoles.open(admin, { machineId, api: "native" })).sessionId;
}

async function redeemed(
  control: Control,
  { id, incarnation }: { readonly id: string; readonly incarnation: string },
): Promise<string> {
  const sessionId = await issued(control);
  await control.link.redeem(id, { incarnation, sessionId, attachment: 1, viewerAddress: "::1" });
  return sessionId;
}
