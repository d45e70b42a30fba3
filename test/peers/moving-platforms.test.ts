import assert from "node:assert/strict";
import { test } from "node:test";
import { followHypervisors } from "#control/hypervisors/follow-all.ts";
import { VsphereClient } from "#hypervisors/vsphere/client.ts";
import { findMachine } from "#hypervisors/vsphere/machines.ts";
import { testControl } from "../harness/control.ts";
import { eventually } from "../harness/eventually.ts";
import { startFleet } from "../harness/test-fleet.ts";
import { ACCOUNTS, startXapi, type XapiPool } from "../harness/xapi/pool.ts";
import {
  endingOf,
  INTO_DEFAULT,
  machineOf,
  machines,
  open,
  PATIENT,
  picture,
  stopping,
} from "./hypervisor-stage.ts";
import { lackingQemu, startQemu } from "./qemu.ts";
import { ACCOUNT, lackingVcsim, startVcsim, type Vcsim } from "./vcsim.ts";

test("a machine that goes from one pool of XenServer to another stays the same machine, and opens where it is", {
  skip: lackingQemu,
}, async () => {
  await using qemu = await startQemu({ vnc: {} });
  const vncOf = () => ({ host: qemu.host, port: qemu.ports.vnc });
  await using here = await startXapi({ vncOf });
  await using there = await startXapi({ vncOf });
  await using fleet = await startFleet();
  const node = await fleet.start({ deadlines: PATIENT });
  const { control } = fleet;
  const { services, admin } = control;
  const add = async (name: string, pool: XapiPool) =>
    await services.hypervisors.add(admin, {
      ...{ name, platform: "xenserver", address: pool.address, rules: INTO_DEFAULT },
      credentials: {
        ...{ username: "console", secret: ACCOUNTS.console.password },
        caCertificate: pool.authority.pem,
      },
    });
  await add("a", here);
  await add("b", there);
  const following = followHypervisors(control);
  await using _ = stopping(following);
  const { ref, uuid } = here.add({ name: "web" });
  const machine = await machineOf(control, uuid, { power: "running" });
  await services.projects.add(admin, { name: "shop" });
  await services.machines.assign(admin, machine.id, "shop");
  const first = await open(fleet, machine);
  await using viewer = await picture(node, first.ticket);

  // As VM.migrate_send: it is there while its disks are copied, then it runs there, and then it is gone here.
  const moved = there.add({ name: "web", state: "Halted", uuid });
  await eventually(async () => assert.equal((await services.machines.waiting(admin, {})).items.length, 1));
  there.objects.set(moved.ref, { power_state: "Running", resident_on: there.hosts[0]?.ref });
  here.objects.remove(ref);

  await viewer.untilClosed();
  assert.equal(await endingOf(control, first.sessionId), "machine_moved");
  const after = await machineOf(control, uuid, { power: "running" });
  assert.deepEqual([after.id, after.project, after.hypervisor?.name], [machine.id, "shop", "b"]);
  assert.equal((await machines(control)).length, 1);
  const again = await open(fleet, after);
  await using reopened = await picture(node, again.ticket);
  assert.equal(reopened.closed, undefined);
  assert.equal(there.sessions("porthole-console").length, 1);
  const { leases } = control;
  await eventually(async () => {
    await leases.settle();
    assert.deepEqual(here.sessions("porthole-console"), [], "given back to the pool that lent it");
  });
});

test("a machine that goes from one vCenter to another stays the same machine", {
  skip: lackingVcsim,
}, async () => {
  const { signal } = new AbortController();
  // Its machines have the same instance UUIDs in each: as where one that moves is at both for a moment.
  await using here = await startVcsim();
  await using there = await startVcsim();
  await using control = await testControl();
  const { services, admin, driverPool, inventory } = control;
  const add = async (name: string, { address, authority }: Vcsim) => {
    const { id } = await services.hypervisors.add(admin, {
      ...{ name, platform: "vsphere", address, rules: INTO_DEFAULT },
      credentials: { ...ACCOUNT, caCertificate: authority.pem },
    });
    return id;
  };
  const [a, b] = [await add("a", here), await add("b", there)];
  const listed = async (id: string) =>
    await inventory.takeAll(id, await (await driverPool.driverOf(id)).list(signal));
  await listed(a);
  const before = await machines(control);
  const [machine] = before;
  assert.ok(machine?.address !== undefined && before.length > 1);
  await listed(b);
  assert.deepEqual(
    await machines(control),
    before,
    "as long as they run at both, no rule takes them in twice",
  );

  await using client = new VsphereClient(here.access);
  const found = await findMachine(client, { address: machine.address, signal });
  assert.ok(found !== undefined);
  await (await driverPool.driverOf(a)).power(machine.address, "cut", signal);
  await client.ask({ method: "Destroy_Task", target: found.object }, signal);
  await eventually(async () => {
    await listed(a);
    const after = (await machines(control)).find(({ id }) => id === machine.id);
    assert.deepEqual([after?.hypervisor?.name, after?.power], ["b", "running"]);
  });

  assert.equal((await machines(control)).length, before.length);
});
