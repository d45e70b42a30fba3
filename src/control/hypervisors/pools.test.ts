import assert from "node:assert/strict";
import { test } from "node:test";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { hypervisor, known, machines } from "../../../test/harness/inventory-stage.ts";
import { onBoth } from "../../../test/harness/test-database.ts";

const TO_SHOP = { rules: [{ name: "*", project: "shop" }] };

for (const t of onBoth(
  "machines come into their hypervisor's pool, and go along when it changes, but for those that were given one of their own",
  async () => {
    await using control = await testControl();
    const { hypervisors, machines: service, projects } = control.services;
    await projects.add(control.admin, { name: "shop" });
    const here = await hypervisor(control, { ...TO_SHOP, pool: "north" });
    assert.equal((await hypervisors.list(control.admin))[0]?.pool, "north");

    const both = [known("web"), known("mail")];
    await control.inventory.takeAll(here, both);
    assert.deepEqual(await pools(control), { mail: "north", web: "north" });
    await service.update(control.admin, await idOf(control, "mail"), { pool: "gpu" });
    await hypervisors.update(control.admin, here, { pool: "south" });
    await control.inventory.takeAll(here, [...both, known("late")]);

    assert.deepEqual(await pools(control), { late: "south", mail: "gpu", web: "south" });
  },
))
  test(...t);

for (const t of onBoth(
  "a machine that moves takes the pool of where it goes, also when it was gone meanwhile",
  async () => {
    await using control = await testControl();
    await control.services.projects.add(control.admin, { name: "shop" });
    const here = await hypervisor(control, { ...TO_SHOP, pool: "north" });
    const there = await hypervisor(control, { ...TO_SHOP, name: "host8", pool: "south" });
    const machine = known("web");
    await control.inventory.takeAll(here, [machine]);

    await control.inventory.take(there, { known: [machine], gone: [] });
    await control.inventory.take(here, { known: [], gone: [machine.address] });
    assert.deepEqual(await pools(control), { web: "south" });
    await control.inventory.takeAll(there, []);
    assert.deepEqual(await pools(control), {});
    await control.services.hypervisors.update(control.admin, there, { pool: "west" });
    await control.inventory.takeAll(here, [machine]);
    assert.deepEqual(await pools(control), { web: "north" });
  },
))
  test(...t);

async function pools(control: TestControl): Promise<Readonly<Record<string, string | undefined>>> {
  return Object.fromEntries((await machines(control)).map(({ name, pool }) => [name, pool]));
}

async function idOf(control: TestControl, name: string): Promise<string> {
  const machine = (await machines(control)).find((each) => each.name === name);
  assert.ok(machine !== undefined);
  return machine.id;
}
