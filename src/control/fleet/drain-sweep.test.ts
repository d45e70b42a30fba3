import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { createDrainSweep } from "./drain-sweep.ts";

for (const t of onBoth("a node whose consoles cannot be ended keeps no other from its end", async () => {
  await using control = await testControl();
  const { nodes } = control.services;
  const [first, second, third] = [await control.node(), await control.node(), await control.node()];
  for (const { id } of [first, second, third]) {
    await session(control, id);
    await nodes.drain(control.admin, id, { outcome: "stop", deadlineMs: 60_000 });
    control.clock.advance(1);
  }
  control.clock.advance(60_000);
  const ended: string[] = [];
  const lines: string[] = [];
  const sweep = createDrainSweep({
    ...control,
    closeSessions: async (db, which) => {
      const rows = await db.selectFrom("sessions").select("node_id").where(which).execute();
      const [{ node_id: nodeId } = { node_id: "" }] = rows;
      ended.push(nodeId);
      if (nodeId === first.id) throw new Error("this one cannot be ended");
    },
    log: pino({}, { write: (line) => lines.push(line) }),
  });

  await sweep();

  assert.deepEqual(ended, [first.id, second.id, third.id], "by their deadlines");
  const [failed] = lines.map((line) => JSON.parse(line)).filter(({ level }) => level > 30);
  assert.equal(failed.nodeId, first.id);
}))
  test(...t);

/** A console on the first node that takes one: those before it drain. */
async function session(control: Awaited<ReturnType<typeof testControl>>, nodeId: string): Promise<void> {
  const { id: machineId } = await control.machine();
  await control.services.consoles.open(control.admin, { machineId, api: "native" });
  const rows = await control.store.db
    .selectFrom("sessions")
    .select("id")
    .where("node_id", "=", nodeId)
    .execute();
  assert.equal(rows.length, 1);
}
