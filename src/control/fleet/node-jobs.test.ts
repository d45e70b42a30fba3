import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { type OneControl, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { createNodeJobs } from "./node-jobs.ts";
import { createNodeOrders } from "./node-orders.ts";

for (const t of onBoth("a job of a node that is revoked has failed, but for that of its end", async () => {
  await using control = await testControl();
  const { nodeJobs, nodes } = control.services;
  for (const command of ["reboot", "stop", "destroy"] as const) {
    const { id: nodeId } = await control.node();
    const job = await nodeJobs.start(control.admin, { command, nodeId, forced: false });

    await nodes.revoke(control.admin, nodeId);
    await control.sweepDraining();

    const { state, node } = await nodeJobs.get(control.admin, job.id);
    assert.equal(state, command === "destroy" ? "done" : "failed", command);
    // Else it would be forgotten, and what is forgotten may join anew by itself.
    assert.equal(node?.state, "revoked");
  }
}))
  test(...t);

for (const t of onBoth("a node that is gone before its job is looked at was destroyed by it", async () => {
  await using control = await testControl();
  const node = await control.node();
  const jobs = jobsOf(control, async () => {
    await control.link.registry.deregister(node.id, { incarnation: node.incarnation });
    await control.sweepDraining();
  });

  const job = await jobs.start(control.admin, { command: "destroy", nodeId: node.id, forced: true });

  assert.deepEqual([job.state, job.node, job.nodeId], ["done", undefined, node.id]);
}))
  test(...t);

for (const t of onBoth(
  "a job is of what was asked with it, and not of what another asks at once",
  async () => {
    await using control = await testControl();
    const { nodeJobs, nodes } = control.services;
    const { id: nodeId } = await control.node();
    const jobs = jobsOf(control, async () => {
      await nodes.drain(control.admin, nodeId, { outcome: "stay" });
    });

    const job = await jobs.start(control.admin, { command: "stop", nodeId, forced: false });

    assert.equal(job.state, "failed");
    const next = await nodeJobs.start(control.admin, { command: "stop", nodeId, forced: false });
    assert.equal(next.state, "done");
  },
))
  test(...t);

/** Jobs, between whose beginning and the first look at them something happens. */
function jobsOf(control: OneControl, happens: () => Promise<void>) {
  const parts = { ...control, log: pino({ level: "silent" }) };
  const orders = createNodeOrders(parts);
  return createNodeJobs({
    ...parts,
    orders: {
      ...orders,
      async drain(...order) {
        const node = await orders.drain(...order);
        await happens();
        return node;
      },
    },
  });
}
