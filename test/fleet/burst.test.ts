import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fleet, startFleet } from "../harness/fleet.ts";
import { lackingPostgres } from "../harness/postgres.ts";
import { createDatabase } from "../harness/shared-postgres.ts";
import { TestViewer } from "../harness/test-viewer.ts";

const OPENS = 500;
const NODES = 4;
const PLACES = 50;

test(`of ${OPENS} consoles at once, at two replicas, each of ${NODES} nodes opens ${PLACES}, and no more are promised`, {
  skip: lackingPostgres,
}, async () => {
  await using fleet = await startFleet(2, await createDatabase());
  // A machine that is busy with the burst is not to pass for one that is down.
  await fleet.api().call("PUT", "settings/consoleproxy.loadscan.interval", { value: "60000" });
  await Promise.all(Array.from({ length: NODES }, async () => await fleet.node()));
  const machines = await addMachines(fleet);

  const results = await Promise.allSettled(
    machines.map(async (id, index) => await open(fleet, { id, replica: index % fleet.replicas.length })),
  );

  await using viewers = new AsyncDisposableStack();
  const perNode = new Map<string, number>();
  const refusals: string[] = [];
  for (const result of results) {
    if (result.status === "rejected") refusals.push(String(result.reason));
    else {
      viewers.use(result.value.viewer);
      perNode.set(result.value.origin, (perNode.get(result.value.origin) ?? 0) + 1);
    }
  }
  assert.deepEqual(
    [...perNode.values()],
    Array.from({ length: NODES }, () => PLACES),
  );
  assert.equal(refusals.length, OPENS - NODES * PLACES);
  for (const refusal of refusals) assert.match(refusal, /no_node_available/);
});

/** One for each console: a machine goes back to its node beyond what others may take of it. */
async function addMachines(fleet: Fleet): Promise<readonly string[]> {
  const { address } = fleet.machine.upstream;
  assert.ok(address.kind === "tcp");
  const screen = { protocol: "rfb", address: `${address.host}:${address.port}` } as const;
  const ids: string[] = [];
  for (let number = 0; number < OPENS; number += 1)
    ids.push((await fleet.api().addMachine({ name: `machine ${number}`, ...screen })).id);
  return ids;
}

async function open(fleet: Fleet, { id, replica }: { readonly id: string; readonly replica: number }) {
  const { websocket } = await fleet.api(replica).openConsole(id);
  const origin = `http://${websocket.host}:${websocket.port}`;
  const viewer = await TestViewer.porthole(origin, websocket.token);
  await viewer.handshake();
  return { origin, viewer };
}
