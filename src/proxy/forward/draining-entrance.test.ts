import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../test/harness/eventually.ts";
import { type FleetNode, startFleet, type TestFleet } from "../../../test/harness/test-fleet.ts";
import { startRfbUpstream, type TestUpstream } from "../../../test/harness/test-upstream.ts";
import { refusal, TestViewer, webSocketUrl } from "../../../test/harness/test-viewer.ts";

test("an entrance that is to restart empties: what passes through it stays, what comes is sent away unspent", async () => {
  await using fleet = await startFleet();
  const addressee = await fleet.start();
  const entrance = await fleet.start();
  await using machine = await startRfbUpstream();
  const { admin, services, sweepDraining } = fleet.control;
  await using passing = await TestViewer.porthole(
    entrance.origin,
    (await fleet.issue(machine.upstream)).ticket,
  );
  await passing.handshake();

  await services.nodes.drain(admin, entrance.id, { outcome: "restart" });
  const ticket = await sentAway(fleet, { entrance, machine });

  await using other = await TestViewer.bare(addressee.origin, ticket);
  await other.handshake();
  (await machine.caller()).socket.write("still here");
  await eventually(() => assert.equal(passing.bytes.toString(), "still here"));
  passing.webSocket.close();
  await eventually(sweepDraining);
  assert.equal(await entrance.proxy.left, "restart");
});

for (const [what, change] of [
  ["is taken back", async ({ services, admin }, id) => await services.nodes.start(admin, id)],
  [
    "is to stay after all",
    async ({ services, admin }, id) => await services.nodes.drain(admin, id, { outcome: "stay" }),
  ],
] satisfies [string, Change][])
  test(`an entrance that was to restart and ${what} hands on again`, async () => {
    await using fleet = await startFleet();
    await fleet.start();
    const entrance = await fleet.start();
    await using machine = await startRfbUpstream();
    const { admin, services } = fleet.control;
    const passing = await TestViewer.bare(entrance.origin, (await fleet.issue(machine.upstream)).ticket);
    await passing.handshake();
    await services.nodes.drain(admin, entrance.id, { outcome: "restart" });
    const ticket = await sentAway(fleet, { entrance, machine });

    await change(fleet.control, entrance.id);

    const again = await eventually(async () => await TestViewer.bare(entrance.origin, ticket));
    await again.handshake();
    for (const { webSocket } of [again, passing]) webSocket.close();
  });

test("an entrance that is told to stop where it runs hands nothing on any more, and waits for what passes through", async () => {
  await using fleet = await startFleet();
  const addressee = await fleet.start();
  const entrance = await fleet.start();
  await using machine = await startRfbUpstream();
  const passing = await TestViewer.bare(entrance.origin, (await fleet.issue(machine.upstream)).ticket);
  await passing.handshake();

  const stopping = entrance.proxy.waitForSessions(600_000, new AbortController().signal);
  const ticket = await sentAway(fleet, { entrance, machine });

  await using other = await TestViewer.bare(addressee.origin, ticket);
  await other.handshake();
  passing.webSocket.close();
  await stopping;
});

type Change = (control: TestFleet["control"], id: string) => Promise<unknown>;

/** Once the entrance hands nothing on any more: a ticket with which nobody was let in. */
async function sentAway(
  { issue, control }: TestFleet,
  { entrance, machine }: { readonly entrance: FleetNode; readonly machine: TestUpstream },
): Promise<string> {
  return await eventually(async () => {
    await control.sweepDraining();
    const { ticket } = await issue(machine.upstream);
    const { status, body } = await refusal(`${webSocketUrl(entrance.origin)}/websockify?token=${ticket}`);
    assert.deepEqual([status, JSON.parse(body).error.code], [503, "node_draining"]);
    return ticket;
  });
}
