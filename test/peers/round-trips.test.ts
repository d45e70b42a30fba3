import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { startFleet } from "../harness/test-fleet.ts";
import { add, machineOf, open, picture } from "./hypervisor-stage.ts";
import { lackingLibvirt as skip, startLibvirt } from "./libvirt.ts";
import { define, qemuDomain } from "./libvirt-domains.ts";
import { startRounds } from "./rounds.ts";

test("from the click in a portal to the picture there are two round trips to libvirt, one before the ticket and one for its grant", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  const uuid = randomUUID();
  await define(
    libvirt,
    qemuDomain(uuid, "<graphics type='vnc' autoport='yes' listen='127.0.0.1' passwd='geheim'/>"),
  );
  await libvirt.virsh("start", uuid);
  const path = join(libvirt.logs, "between");
  await using rounds = await startRounds(path, libvirt.socket);
  await using fleet = await startFleet();
  const node = await fleet.start();
  const { control } = fleet;
  const id = await add(control, { name: "host7", address: `qemu:///session?socket=${path}` });
  // Its connection is open, as it is where somebody follows what libvirt has.
  const driver = await control.driverPool.driverOf(id);
  await control.inventory.takeAll(id, await driver.list(AbortSignal.timeout(10_000)));
  const machine = await machineOf(control, uuid, { power: "running" });
  const before = rounds.count;

  const { ticket } = await open(fleet, machine);
  const atIssue = rounds.count - before;
  await using _ = await picture(node, ticket);

  assert.deepEqual([atIssue, rounds.count - before], [1, 2]);
});
