import assert from "node:assert/strict";
import { test } from "node:test";
import type { HypervisorDriver, KnownMachine } from "#hypervisors/driver.ts";
import { POWER_ACTIONS } from "#wire/power-action.ts";
import { commandHypervisor } from "../../../test/harness/command-hypervisor.ts";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { hypervisor, known, machines } from "../../../test/harness/inventory-stage.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import type { DriverPool } from "../hypervisors/driver-pool.ts";
import { createWhereabouts } from "../hypervisors/whereabouts.ts";
import { orderPower } from "./power.ts";

for (const t of onBoth(
  "who may open a machine's console may start and stop it, and for everybody else there is no such machine",
  async () => {
    await using control = await testControl();
    const { machines } = control.services;
    const host = await commandHypervisor(control);
    const { id } = host.machine;
    const insider = await control.member("insider", ["default"]);
    await control.services.projects.add(control.admin, { name: "other" });
    const outsider = await control.member("outsider", ["other"]);

    const answer = await machines.power(insider, id, "cut");

    assert.deepEqual([host.power(), answer.id, answer.takesOrders], ["stopped", id, true]);
    await assert.rejects(machines.power(outsider, id, "start"), { code: "not_found" });
    await assert.rejects(machines.power(control.admin, "nobody", "start"), { code: "not_found" });
    assert.equal(host.power(), "stopped");
    assert.deepEqual(await told(control), [
      "machine.cut ok insider web",
      "machine.start not_found outsider undefined",
      "machine.start not_found admin undefined",
    ]);
  },
))
  test(...t);

for (const t of onBoth("what was registered by hand, or to show only, is refused with that", async () => {
  await using control = await testControl();
  const { machines } = control.services;
  const manual = await control.machine();
  const shown = await commandHypervisor(control, { readOnly: true });

  for (const action of POWER_ACTIONS) {
    await assert.rejects(machines.power(control.admin, manual.id, action), { code: "no_hypervisor" });
    await assert.rejects(machines.power(control.admin, shown.machine.id, action), {
      code: "hypervisor_read_only",
    });
  }

  assert.deepEqual([manual.takesOrders, shown.machine.takesOrders], [undefined, false]);
  assert.equal(shown.power(), "running");
}))
  test(...t);

test("what the hypervisor refuses is told as that, and by the audit log with its reason", async () => {
  await using control = await testControl();
  const { machines } = control.services;
  const host = await commandHypervisor(control);
  const order = async (action: "start" | "cut") =>
    await machines.power(control.admin, host.machine.id, action);

  await assert.rejects(order("start"), { code: "power_unfit" });
  host.setPower("unknown");
  await assert.rejects(order("cut"), { code: "hypervisor_refused", detail: "test.mjs: rights" });

  assert.deepEqual(await told(control), [
    "machine.start power_unfit admin undefined",
    "machine.cut hypervisor_refused admin undefined",
  ]);
});

test("a hypervisor that cannot be reached is told as that", async () => {
  await using control = await testControl();
  const { services, admin } = control;
  const { id } = await services.hypervisors.add(admin, {
    ...{ name: "gone", platform: "libvirt", address: "test:///default?socket=/nonesuch" },
    rules: [{ name: "*", project: "default" }],
  });
  const address = "6695eb01-f6a4-8304-79aa-97f2502e193f";
  await control.inventory.takeAll(id, [{ address, name: "vm", power: "running", guest: "unknown" }]);
  const { items } = await services.machines.list(admin, {});

  const ordered = services.machines.power(admin, items[0]?.id ?? "", "stop");

  await assert.rejects(ordered, { code: "hypervisor_unreachable" });
});

test("a machine that runs, and may be on its way to another hypervisor, is not ordered to start", async () => {
  await using control = await testControl();
  const here = await hypervisor(control, { rules: [{ name: "*", project: "default" }] });
  await hypervisor(control, { name: "host8" });
  const machine = known("web");
  await control.inventory.takeAll(here, [machine]);
  const [{ id } = { id: "" }] = await machines(control);
  const says = new Map<string, KnownMachine>([[here, machine]]);
  const ordered: string[] = [];
  // Of all that a driver does, nothing else is asked for.
  const driverOf = (hypervisorId: string) =>
    ({
      find: async () => says.get(hypervisorId),
      power: async (_address: string, action: string) => void ordered.push(action),
    }) as unknown as HypervisorDriver;
  const { signal } = new AbortController();
  const seek: DriverPool["seek"] = async (asked, _ms, question) => await question(driverOf(asked), signal);
  const order: DriverPool["order"] = async (asked, question) => await question(driverOf(asked), signal);
  const whereIs = createWhereabouts({ ...control, driverPool: { seek } });
  const row = {
    id,
    name: "web",
    address: machine.address,
    hypervisor_id: here,
    hypervisor_read_only: 0,
  } as const;
  const give = async (action: "start" | "cut") =>
    await orderPower({ ...control, driverPool: { order }, whereIs }, { by: {}, machine: row, action });

  for (const power of ["running", "paused"] as const) {
    says.set(here, { ...machine, power });
    await assert.rejects(give("start"), { code: "power_unfit" });
  }
  await give("cut");
  says.set(here, { ...machine, power: "stopped" });
  await give("start");

  assert.deepEqual(ordered, ["cut", "start"]);
});

/** The rows of the audit log about power, the oldest first. */
async function told({ services, admin }: TestControl): Promise<readonly string[]> {
  const actions: readonly string[] = POWER_ACTIONS.map((action) => `machine.${action}`);
  const { items } = await services.audit.list(admin, {});
  return items
    .filter(({ action }) => actions.includes(action))
    .map(({ action, result, account, object }) => `${action} ${result} ${account} ${object?.name}`)
    .toReversed();
}
