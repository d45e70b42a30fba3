import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { followHypervisors } from "#control/hypervisors/follow-all.ts";
import { testControl } from "../harness/control.ts";
import { eventually } from "../harness/eventually.ts";
import { startFleet } from "../harness/test-fleet.ts";
import {
  add,
  endingOf,
  machineOf,
  machines,
  open,
  PATIENT,
  picture,
  qemuAt,
  stopping,
} from "./hypervisor-stage.ts";
import { type Libvirt, lackingLibvirt, startLibvirt } from "./libvirt.ts";
import { define, qemuDomain } from "./libvirt-domains.ts";

/** libvirt migrates between machines of different names alone, and only root gives a process another name to see. */
const skip = lackingLibvirt || (process.getuid?.() === 0 ? false : "needs root, for a second machine's name");

const VNC = "<graphics type='vnc' autoport='yes' listen='127.0.0.1'/>";

test("a machine that migrates live stays the same machine, and opens where it is", { skip }, async () => {
  await using here = await startHost("host-a");
  await using there = await startHost("host-b");
  await using fleet = await startFleet();
  const node = await fleet.start({ deadlines: PATIENT });
  const { control } = fleet;
  await add(control, { name: "a", address: qemuAt(here) });
  await add(control, { name: "b", address: qemuAt(there) });
  const following = followHypervisors(control);
  await using _ = stopping(following);
  const uuid = randomUUID();
  await define(here, qemuDomain(uuid, VNC, "web"));
  await here.virsh("start", uuid);
  const machine = await machineOf(control, uuid, { power: "running" });
  await control.services.projects.add(control.admin, { name: "shop" });
  await control.services.machines.assign(control.admin, machine.id, "shop");
  const first = await open(fleet, machine);
  await using viewer = await picture(node, first.ticket);
  const port = await vncPort(here, uuid);

  // Its definition stays where it was, as libvirt has it unless it is told otherwise.
  await migrate(uuid, here, there, []);

  // Somebody else's machine is at its port at once.
  const other = randomUUID();
  await define(
    here,
    qemuDomain(other, `<graphics type='vnc' port='${port}' autoport='no' listen='127.0.0.1'/>`, "other"),
  );
  await here.virsh("start", other);
  await viewer.untilClosed();
  const ending = await endingOf(control, first.sessionId);
  assert.equal(ending, "machine_moved");
  const again = await open(fleet, machine);
  await using reopened = await picture(node, again.ticket);
  assert.deepEqual([await hasViewer(there, uuid), await hasViewer(here, other)], [true, false]);
  await here.virsh("destroy", other);
  await here.virsh("undefine", other);
  const moved = await machineOf(control, uuid, { power: "running" });
  assert.deepEqual([moved.id, moved.project, moved.hypervisor?.name], [machine.id, "shop", "b"]);
  await eventually(async () => assert.equal((await machines(control)).length, 1));
  assert.equal(reopened.closed, undefined);

  await migrate(uuid, there, here, ["--undefinesource"]);

  await reopened.untilClosed();
  assert.equal(await endingOf(control, again.sessionId), "machine_moved");
  const third = await open(fleet, machine);
  const [back] = await machines(control);
  assert.deepEqual([back?.id, back?.project, back?.hypervisor?.name], [machine.id, "shop", "a"]);
  await using last = await picture(node, third.ticket);

  await here.virsh("destroy", uuid);

  await last.untilClosed();
  assert.equal(await endingOf(control, third.sessionId), "machine_not_running");
});

test("a machine whose new hypervisor has told nothing yet is found there when its console closes", {
  skip,
}, async () => {
  await using here = await startHost("host-a");
  await using there = await startHost("host-b");
  await using fleet = await startFleet();
  const node = await fleet.start({ deadlines: PATIENT });
  const { control } = fleet;
  const a = await add(control, { name: "a", address: qemuAt(here) });
  await add(control, { name: "b", address: qemuAt(there) });
  const uuid = randomUUID();
  await define(here, qemuDomain(uuid, VNC, "web"));
  await here.virsh("start", uuid);
  // Nobody follows them: what control learns, it has asked for.
  const driver = await control.driverPool.driverOf(a);
  await control.inventory.takeAll(a, await driver.list(AbortSignal.timeout(10_000)));
  const machine = await machineOf(control, uuid, { power: "running" });
  const first = await open(fleet, machine);
  await using viewer = await picture(node, first.ticket);

  await migrate(uuid, here, there, ["--undefinesource"]);

  await viewer.untilClosed();
  assert.equal(await endingOf(control, first.sessionId), "machine_moved");
  const again = await open(fleet, machine);
  await using reopened = await picture(node, again.ticket);
  const [moved] = await machines(control);
  assert.deepEqual([moved?.id, moved?.hypervisor?.name], [machine.id, "b"]);

  await there.virsh("undefine", uuid);
  await there.virsh("destroy", uuid);

  await reopened.untilClosed();
  assert.equal(await endingOf(control, again.sessionId), "machine_gone");
});

test("what is ordered of a machine that has just moved is ordered where it is, and it is not started twice", {
  skip,
}, async () => {
  await using here = await startHost("host-a");
  await using there = await startHost("host-b");
  await using control = await testControl();
  const { machines: ordered } = control.services;
  const a = await add(control, { name: "a", address: qemuAt(here) });
  const b = await add(control, { name: "b", address: qemuAt(there) });
  const uuid = randomUUID();
  // Without a disk nothing of QEMU's stands against its running twice.
  await define(here, qemuDomain(uuid, VNC, "web"));
  await here.virsh("start", uuid);
  const driver = await control.driverPool.driverOf(a);
  await control.inventory.takeAll(a, await driver.list(AbortSignal.timeout(10_000)));
  const { id } = await machineOf(control, uuid, { power: "running" });
  // Its definition stays where it was.
  await migrate(uuid, here, there, []);

  await control.services.hypervisors.update(control.admin, b, { readOnly: true });

  // What holds is what is on record of where it is.
  await assert.rejects(ordered.power(control.admin, id, "start"), { code: "hypervisor_read_only" });

  const state = async (host: Libvirt) => (await host.virsh("domstate", uuid)).trim();
  assert.deepEqual([await state(here), await state(there)], ["shut off", "running"]);
  const moved = await machineOf(control, uuid, { power: "running" });
  assert.deepEqual([moved.id, moved.hypervisor?.name], [id, "b"]);
  await control.services.hypervisors.update(control.admin, b, { readOnly: false });
  await assert.rejects(ordered.power(control.admin, id, "start"), { code: "power_unfit" });
  await ordered.power(control.admin, id, "cut");
  await eventually(async () => assert.equal(await state(there), "shut off"));
  assert.deepEqual([await state(here)], ["shut off"]);
});

async function vncPort(libvirt: Libvirt, uuid: string): Promise<number> {
  const [, display] = /:(\d+)\s*$/.exec(await libvirt.virsh("vncdisplay", uuid)) ?? [];
  return 5900 + Number(display);
}

/** Whether QEMU itself says that somebody looks at its VNC. */
async function hasViewer(libvirt: Libvirt, uuid: string): Promise<boolean> {
  return /^\s*Client:/m.test(await libvirt.virsh("qemu-monitor-command", uuid, "--hmp", "info vnc"));
}

/** Another machine's, as libvirt sees it. */
async function startHost(hostname: string): Promise<Libvirt> {
  return await startLibvirt({ hostname, settings: `host_uuid = "${randomUUID()}"\n` });
}

async function migrate(uuid: string, from: Libvirt, to: Libvirt, more: readonly string[]): Promise<void> {
  const ways = ["--desturi", to.uri, "--migrateuri", "tcp://127.0.0.1"];
  await from.virsh("migrate", "--live", "--persistent", ...more, ...ways, uuid);
}
