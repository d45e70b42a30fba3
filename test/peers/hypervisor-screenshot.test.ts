import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { decode } from "fast-png";
import { followHypervisors } from "#control/hypervisors/follow-all.ts";
import { testControl } from "../harness/control.ts";
import { eventually } from "../harness/eventually.ts";
import { add, machineOf, qemuAt, stopping } from "./hypervisor-stage.ts";
import { lackingLibvirt as skip, startLibvirt } from "./libvirt.ts";
import { define, qemuDomain } from "./libvirt-domains.ts";

const VNC = "<graphics type='vnc' autoport='yes' listen='127.0.0.1'/>";

test("a screenshot shows the guest that it was asked of, to whoever may see it, and is no session", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  await using control = await testControl();
  const { services, clock } = control;
  const insider = await control.member("insider", ["default"]);
  const outsider = await control.member("outsider", []);
  const [booted, waiting] = [randomUUID(), randomUUID()];
  for (const uuid of [booted, waiting]) await define(libvirt, qemuDomain(uuid, VNC));
  await add(control, { name: "host7", address: qemuAt(libvirt) });
  const following = followHypervisors(control);
  await using _ = stopping(following);
  const { id: stopped } = await machineOf(control, booted, { state: "stopped" });
  await assert.rejects(services.machines.screenshot(insider, stopped), { code: "machine_not_running" });
  await libvirt.virsh("start", booted);
  await libvirt.virsh("start", "--paused", waiting);
  const machines = [
    await machineOf(control, booted, { power: "running" }),
    await machineOf(control, waiting, { power: "paused" }),
  ];
  const sizeOf = async (id: string) => {
    clock.advance(2_000);
    const { width, height, data } = decode((await services.machines.screenshot(insider, id)).bytes);
    assert.ok(new Set(data).size > 1, "something is on it");
    return [width, height];
  };

  // A BIOS writes in text mode; of a guest that never ran QEMU says so on a screen of its own.
  const [first, second] = machines.map(({ id }) => id);
  await eventually(async () => assert.deepEqual(await sizeOf(first ?? ""), [720, 400]));
  assert.deepEqual(await sizeOf(second ?? ""), [640, 480]);

  await assert.rejects(services.machines.screenshot(outsider, first ?? ""), { code: "not_found" });
  assert.deepEqual((await services.sessions.list(control.admin, {})).items, []);
  const { items } = await services.audit.list(control.admin, { action: "machine.screenshot" });
  assert.deepEqual(
    items.map(({ account, result }) => `${account} ${result}`).toSorted(),
    ["insider ok", "insider ok", "outsider not_found"],
    "the first of each machine is told, and who may not see it",
  );
});
