import assert from "node:assert/strict";
import { test } from "node:test";
import { testControl } from "../harness/control.ts";
import { onBoth } from "../harness/test-database.ts";
import { lackingLibvirt as skip, startLibvirt } from "./libvirt.ts";

test("a hypervisor that control knows is asked for its machines, and its step is named when it is gone", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  await using control = await testControl();
  const { hypervisors } = control.services;
  const address = `test:///default?socket=${libvirt.socket}`;
  const { id } = await hypervisors.add(control.admin, { name: "host7", platform: "libvirt", address });

  const answered = await hypervisors.test(control.admin, id);
  await libvirt.stop();
  const failed = await hypervisors.test(control.admin, id);

  assert.deepEqual(answered, { ok: true, machines: 1 });
  assert.deepEqual([failed.ok, failed.failedStep], [false, "socket"]);
});

for (const t of onBoth(
  "a first try that fails is on record at once, before anybody follows the hypervisor",
  async () => {
    await using control = await testControl();
    const { hypervisors } = control.services;
    const address = "qemu:///system?socket=/nowhere/libvirt-sock";
    const made = await hypervisors.add(control.admin, { name: "host7", platform: "libvirt", address });
    assert.equal(made.state, undefined);

    await hypervisors.test(control.admin, made.id);

    const [known] = await hypervisors.list(control.admin);
    assert.equal(known?.state, "down");
    assert.match(known?.problem ?? "", /^socket: /);
    assert.ok(known?.stateSince !== undefined);
  },
))
  test(...t);

for (const t of onBoth("what opens a hypervisor is kept sealed, and told to nobody", async () => {
  await using control = await testControl();
  const { hypervisors } = control.services;
  const host = { name: "host7", platform: "libvirt", address: "qemu+ssh://porthole@host7/system" } as const;

  const credentials = { sshKey: "the-key-itself" };
  const made = await hypervisors.add(control.admin, { ...host, credentials });
  await assert.rejects(hypervisors.add(control.admin, { ...host, credentials, name: "HOST7" }), {
    code: "conflict",
  });
  await assert.rejects(
    hypervisors.add(control.admin, { ...host, name: "b", address: "qemu+tcp://h/system" }),
    {
      code: "request_invalid",
      detail: /neither encrypted/,
    },
  );

  const rows = await control.store.db.selectFrom("hypervisors").selectAll().execute();
  assert.deepEqual(await hypervisors.list(control.admin), [made]);
  assert.ok(!JSON.stringify([rows, made]).includes("the-key-itself"));
  await hypervisors.remove(control.admin, made.id);
  await assert.rejects(hypervisors.test(control.admin, made.id), { code: "not_found" });
}))
  test(...t);
