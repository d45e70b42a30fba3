import assert from "node:assert/strict";
import { test } from "node:test";
import { startLeader, TimedPlatform } from "../../../../test/harness/capacity.ts";
import { testControl } from "../../../../test/harness/control.ts";
import { onBoth } from "../../../../test/harness/test-database.ts";
import { silenceMs } from "../up.ts";
import { createFleetReading } from "./reading.ts";

for (const each of onBoth("a reading has nodes with their orders, and either alone", async () => {
  await using control = await testControl();
  const { store, services, admin } = control;
  const platform = new TimedPlatform(control, { bootMs: 0 });
  await services.settings.set(admin, "consoleproxy.capacity.standby", "150");
  await startLeader(control, new Map([["default", platform]])).scan();
  const [revoked, joined, waiting] = [...platform.instances.values()];
  assert.ok(revoked !== undefined && joined !== undefined && waiting !== undefined);
  platform.instances.delete(waiting.order.id);
  await platform.boot();
  await services.nodes.revoke(admin, revoked.nodeId ?? "");
  const { id: machineId } = await control.machine();
  await services.consoles.open(admin, { machineId, api: "native" });
  const lone = await control.node();

  const { nodes, orders } = await createFleetReading(store)(silenceMs(control.values));

  const nodesOf = nodes.map(({ id, isUp, sessions }) => [id, isUp, sessions]);
  assert.deepEqual(
    new Set(nodesOf.map((node) => node.join())),
    new Set([`${joined.nodeId},true,1`, `${lone.id},true,0`]),
  );
  const ordersOf = orders.map(({ id, state, nodeId, node }) => [id, state, nodeId, node?.id].join());
  assert.deepEqual(
    new Set(ordersOf),
    new Set([
      [revoked.order.id, "joined", revoked.nodeId, undefined].join(),
      [joined.order.id, "joined", joined.nodeId, joined.nodeId].join(),
      [waiting.order.id, "launched", undefined, undefined].join(),
    ]),
  );
}))
  test(...each);
