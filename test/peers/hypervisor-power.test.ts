import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { followHypervisors } from "#control/hypervisors/follow-all.ts";
import { testControl } from "../harness/control.ts";
import { add, INTO_DEFAULT, machineOf, qemuAt, stopping } from "./hypervisor-stage.ts";
import { lackingLibvirt as skip, startLibvirt } from "./libvirt.ts";
import { define, qemuDomain } from "./libvirt-domains.ts";

test("libvirt does what is ordered of a QEMU, its state follows, and what does not fit its state is refused", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  await using control = await testControl();
  const { services } = control;
  const insider = await control.member("insider", ["default"]);
  const uuid = randomUUID();
  await define(libvirt, qemuDomain(uuid, "", "web"));
  await add(control, { name: "host7", address: qemuAt(libvirt) });
  const following = followHypervisors(control);
  await using _ = stopping(following);
  const { id } = await machineOf(control, uuid, { state: "stopped" });
  const order = async (action: "start" | "stop" | "cut" | "restart" | "reset") =>
    await services.machines.power(insider, id, action);
  const processOf = async () => (await libvirt.virsh("domid", uuid)).trim();

  for (const action of ["stop", "cut", "restart", "reset"] as const)
    await assert.rejects(order(action), { code: "power_unfit" });
  await order("start");
  await machineOf(control, uuid, { state: "running" });
  const before = await processOf();
  await assert.rejects(order("start"), { code: "power_unfit" });
  // Its BIOS heeds none of the two that ask, and libvirt takes them all the same.
  for (const action of ["stop", "restart", "reset"] as const) await order(action);
  assert.equal(await processOf(), before, "who resets it does not start it anew");
  await order("cut");
  await machineOf(control, uuid, { state: "stopped" });

  const { items } = await services.audit.list(control.admin, { accountId: insider.accountId });
  const taken = items.filter(({ result }) => result === "ok").map(({ action }) => action);
  assert.deepEqual(taken.toReversed(), [
    "machine.start",
    "machine.stop",
    "machine.restart",
    "machine.reset",
    "machine.cut",
  ]);
});

test("a libvirt that is registered to show only is asked for nothing", { skip }, async () => {
  await using libvirt = await startLibvirt();
  await using control = await testControl();
  const uuid = randomUUID();
  await define(libvirt, qemuDomain(uuid, "", "web"));
  const { services, admin } = control;
  const shown = { platform: "libvirt", readOnly: true, rules: INTO_DEFAULT } as const;
  const { id } = await services.hypervisors.add(admin, {
    ...{ name: "shown", address: qemuAt(libvirt), ...shown },
  });
  const driver = await control.driverPool.driverOf(id);
  await control.inventory.takeAll(id, await driver.list(new AbortController().signal));
  const machine = await machineOf(control, uuid, { takesOrders: false });

  await assert.rejects(services.machines.power(admin, machine.id, "start"), { code: "hypervisor_read_only" });

  assert.match(await libvirt.virsh("domstate", uuid), /shut off/);
});
