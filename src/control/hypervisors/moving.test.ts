import assert from "node:assert/strict";
import { test } from "node:test";
import { testControl } from "../../../test/harness/control.ts";
import { hypervisor, known, machines, pending, waiting } from "../../../test/harness/inventory-stage.ts";
import { onBoth } from "../../../test/harness/test-database.ts";

for (const t of onBoth(
  "a machine that moves to another hypervisor stays the same machine, whichever of the two tells first",
  async () => {
    await using control = await testControl();
    await control.node();
    const { machines: service, projects } = control.services;
    for (const name of ["shop", "lab"]) await projects.add(control.admin, { name });
    const here = await hypervisor(control);
    const there = await hypervisor(control, { name: "host8", rules: [{ name: "*", project: "lab" }] });
    const machine = known("web");
    await control.inventory.takeAll(here, [machine]);
    const { items } = await service.waiting(control.admin, {});
    const { id } = await service.assign(control.admin, items[0]?.id ?? "", "shop");
    await service.update(control.admin, id, { pool: "north", password: "s3cret" });
    const where = async () =>
      (await machines(control)).map((each) => [each.id, each.hypervisor?.name, each.project, each.pool]);
    const endings = new Map<string, string>();
    const opened = async (as: string) => endings.set(as, await pending(control, id));

    // The new one tells first, while the old one still has it run.
    await opened("first");
    await control.inventory.take(there, { known: [{ ...machine, power: "paused" }], gone: [] });
    assert.deepEqual(await where(), [[id, "host7", "shop", "north"]], "until it runs here no more");
    await control.inventory.take(there, { known: [machine], gone: [] });
    await control.inventory.take(here, { known: [], gone: [machine.address] });
    assert.deepEqual(await where(), [[id, "host8", "shop", "north"]]);
    assert.deepEqual(await waiting(control), []);

    // And back: the old one tells first, and keeps the definition.
    await opened("second");
    await control.inventory.take(there, { known: [{ ...machine, power: "stopped" }], gone: [] });
    await control.inventory.take(here, { known: [machine], gone: [] });
    assert.deepEqual(await where(), [[id, "host7", "shop", "north"]]);
    assert.deepEqual(await waiting(control), ["web"], "what is left on the other one");
    await control.inventory.takeAll(there, [{ ...machine, power: "stopped" }]);
    assert.deepEqual(await where(), [[id, "host7", "shop", "north"]], "which no rule takes in");

    // Forth again, by one that is gone before it turns up.
    await control.inventory.takeAll(there, []);
    await control.inventory.takeAll(here, []);
    assert.deepEqual(await where(), []);
    await control.inventory.takeAll(there, [{ ...machine, power: "stopped" }]);
    assert.notDeepEqual(
      await where(),
      [[id, "host8", "shop", "north"]],
      "a definition that lies about there",
    );
    await control.inventory.takeAll(there, []);
    await control.inventory.takeAll(there, [machine]);
    assert.deepEqual(await where(), [[id, "host8", "shop", "north"]]);
    assert.equal(await service.hasPassword(control.admin, id, "s3cret"), true);

    const codes = [];
    for (const session of endings.values())
      codes.push((await control.services.sessions.get(control.admin, session)).ending?.code);
    assert.deepEqual(codes, ["machine_moved", "machine_not_running"]);
  },
))
  test(...t);

for (const t of onBoth(
  "whether its password is taken is tried anew where a machine has moved to",
  async () => {
    await using control = await testControl();
    const { store, inventory } = control;
    const here = await hypervisor(control, { rules: [{ name: "*", project: "default" }] });
    const there = await hypervisor(control, { name: "host8" });
    const machine = known("web");
    await inventory.takeAll(here, [machine]);
    const [{ id: machine_id } = { id: "" }] = await machines(control);
    await store.db.insertInto("sign_in_failures").values({ machine_id, failures: 0, next_at: 0 }).execute();

    await inventory.take(there, { known: [machine], gone: [] });
    await inventory.take(here, { known: [], gone: [machine.address] });

    assert.equal((await machines(control))[0]?.hypervisor?.name, "host8");
    assert.deepEqual(await store.db.selectFrom("sign_in_failures").selectAll().execute(), []);
  },
))
  test(...t);

for (const t of onBoth("two machines that have one UUID at once are not taken for each other", async () => {
  await using control = await testControl();
  const rules = [{ name: "*", project: "default" }];
  const here = await hypervisor(control, { rules });
  const there = await hypervisor(control, { name: "host8", rules });
  const machine = known("web");
  await control.inventory.takeAll(here, [machine]);
  const [{ id } = { id: "" }] = await machines(control);
  await control.inventory.takeAll(there, [{ ...machine, name: "copy" }]);
  control.clock.advance(61_000);

  await control.inventory.takeAll(there, [{ ...machine, name: "copy" }]);
  await control.inventory.takeAll(here, [{ ...machine, power: "stopped" }]);
  await control.inventory.takeAll(there, [{ ...machine, name: "copy" }]);

  const [kept, ...others] = await machines(control);
  assert.deepEqual(
    [kept?.id, kept?.name, kept?.hypervisor?.name, kept?.power],
    [id, "web", "host7", "stopped"],
  );
  assert.deepEqual(others, []);
  assert.deepEqual(await waiting(control), ["copy"], "somebody has to say what it is");
  await control.inventory.takeAll(here, []);
  await control.inventory.takeAll(there, [{ ...machine, name: "copy" }]);
  const after = await machines(control);
  assert.deepEqual(
    after.map(({ name, hypervisor: { name: at } = { name: "" } }) => [name, at]),
    [["copy", "host8"]],
  );
  assert.notEqual(after[0]?.id, id);
}))
  test(...t);

for (const t of onBoth(
  "a machine that is undefined and defined anew is what it was, for ten minutes, whatever the rules say",
  async () => {
    await using control = await testControl();
    const { machines: service, projects, audit } = control.services;
    for (const name of ["shop", "lab"]) await projects.add(control.admin, { name });
    const id = await hypervisor(control, { rules: [{ name: "*", project: "lab" }] });
    const machine = known("web");
    await control.inventory.takeAll(id, [machine]);
    const [{ id: machineId } = { id: "" }] = await machines(control);
    await service.assign(control.admin, machineId, "shop");
    await service.update(control.admin, machineId, { pool: "north", password: "s3cret" });
    const where = async () => (await machines(control)).map((each) => [each.id, each.project, each.pool]);

    await control.inventory.take(id, { known: [], gone: [machine.address] });
    assert.deepEqual(await where(), []);
    control.clock.advance(9 * 60_000);
    await control.inventory.take(id, { known: [{ ...machine, power: "stopped" }], gone: [] });

    assert.deepEqual(await where(), [[machineId, "shop", "north"]]);
    assert.equal(await service.hasPassword(control.admin, machineId, "s3cret"), true);
    const { items } = await audit.list(control.admin, { action: "machine.add" });
    assert.equal(items[0]?.detail, "hypervisor host7 has it again");

    await control.inventory.take(id, { known: [], gone: [machine.address] });
    control.clock.advance(11 * 60_000);
    await control.inventory.take(id, { known: [machine], gone: [] });

    const [[anew, project] = []] = await where();
    assert.notEqual(anew, machineId);
    assert.equal(project, "lab", "after that it comes anew");
  },
))
  test(...t);

for (const t of onBoth(
  "a machine that was taken out of its project waits when it is defined anew or moves, and no rule takes it in",
  async () => {
    await using control = await testControl();
    const rules = [{ name: "*", project: "default" }];
    const id = await hypervisor(control, { rules });
    const there = await hypervisor(control, { name: "host8", rules });
    const machine = known("web");
    await control.inventory.takeAll(id, [machine]);
    const [{ id: machineId } = { id: "" }] = await machines(control);
    await control.services.machines.remove(control.admin, machineId);

    await control.inventory.takeAll(id, []);
    await control.inventory.takeAll(id, [machine]);
    assert.deepEqual([await machines(control), await waiting(control)], [[], ["web"]]);

    // It moves: the new one tells first, then the old one.
    await control.inventory.takeAll(there, [machine]);
    await control.inventory.takeAll(id, []);
    await control.inventory.takeAll(there, [machine]);
    assert.deepEqual([await machines(control), await waiting(control)], [[], ["web"]]);

    // And back: it is gone before it turns up.
    await control.inventory.takeAll(there, []);
    await control.inventory.takeAll(id, [machine]);
    assert.deepEqual([await machines(control), await waiting(control)], [[], ["web"]]);

    await control.inventory.takeAll(id, []);
    control.clock.advance(11 * 60_000);
    await control.inventory.takeAll(id, [machine]);
    assert.equal((await machines(control)).length, 1, "after that it comes anew");
  },
))
  test(...t);

for (const platform of ["xenserver", "vsphere"] as const)
  for (const t of onBoth(
    `a machine of ${platform} that moves to another one stays the same machine, whether it runs or not`,
    async () => {
      await using control = await testControl();
      const { projects, machines: service } = control.services;
      for (const name of ["shop", "lab"]) await projects.add(control.admin, { name });
      const at = { platform, credentials: { username: "console", secret: "s3cret" } } as const;
      const here = await hypervisor(control, { ...at, name: "here", address: "https://here.example.com" });
      const there = await hypervisor(control, {
        ...{ ...at, name: "there", address: "https://there.example.com" },
        rules: [{ name: "*", project: "lab" }],
      });
      const machine = known("web");
      const stopped = { ...machine, power: "stopped" } as const;
      await control.inventory.takeAll(here, [machine]);
      const { items } = await service.waiting(control.admin, {});
      const { id } = await service.assign(control.admin, items[0]?.id ?? "", "shop");
      const where = async () =>
        (await machines(control)).map((each) => [each.id, each.hypervisor?.name, each.project]);

      // Live: it is there before it runs, and runs there before it is gone here.
      await control.inventory.take(there, { known: [stopped], gone: [] });
      await control.inventory.take(there, { known: [machine], gone: [] });
      assert.deepEqual(await where(), [[id, "here", "shop"]]);
      await control.inventory.take(here, { known: [], gone: [machine.address] });
      assert.deepEqual(await where(), [[id, "there", "shop"]]);

      // Shut down, and back: it is gone before it turns up.
      await control.inventory.takeAll(there, [stopped]);
      await control.inventory.takeAll(there, []);
      assert.deepEqual(await where(), []);
      await control.inventory.takeAll(here, [stopped]);
      assert.deepEqual(await where(), [[id, "here", "shop"]]);
      assert.deepEqual(await waiting(control), []);
    },
  ))
    test(...t);

for (const t of onBoth(
  "a machine is none of another platform's with its address, nor of another cluster's with its number",
  async () => {
    await using control = await testControl();
    const rules = [{ name: "*", project: "default" }];
    const at = { rules, credentials: { username: "porthole@pve!consoles", secret: "s3cret" } } as const;
    const pair = async (first: "libvirt" | "proxmox", second: "xenserver" | "proxmox", address: string) => {
      const [here, there] = [`${first}-${address}`, `${second}-${address}-2`];
      const one = await hypervisor(control, {
        ...(first === "libvirt" ? { rules } : { ...at, platform: first, address: "https://a.example.com" }),
        name: here,
      });
      const two = await hypervisor(control, {
        ...{ ...at, platform: second, address: "https://b.example.com", name: there },
      });
      const machine = known("web", { address });
      await control.inventory.takeAll(one, [machine]);
      const [before] = await machines(control);
      await control.inventory.takeAll(one, []);
      await control.inventory.takeAll(two, [machine]);
      const [after] = await machines(control);
      assert.equal(after?.hypervisor?.name, there);
      assert.notEqual(after.id, before?.id);
      await control.inventory.takeAll(two, []);
    };

    await pair("libvirt", "xenserver", "7c2f4c52-1a2b-4c3d-8e4f-5a6b7c8d9e0f");
    await pair("proxmox", "proxmox", "100/1700000000/-");
  },
))
  test(...t);
