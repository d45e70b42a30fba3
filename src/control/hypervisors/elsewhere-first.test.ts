import assert from "node:assert/strict";
import { test } from "node:test";
import type { HypervisorDriver, KnownMachine } from "#hypervisors/driver.ts";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { hypervisor, known, machines, pending } from "../../../test/harness/inventory-stage.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import type { DriverPool } from "./driver-pool.ts";
import { lookElsewhereFirst } from "./elsewhere-first.ts";

const INTO_DEFAULT = [{ name: "*", project: "default" }];

/** Two hypervisors, the first with a machine; and what the second answers when it is asked of it. */
async function stage(control: TestControl, answer: () => Promise<KnownMachine | undefined>) {
  const here = await hypervisor(control, { rules: INTO_DEFAULT });
  const there = await hypervisor(control, { name: "host8", rules: INTO_DEFAULT });
  const machine = known("web");
  await control.inventory.takeAll(here, [machine]);
  const [{ id: machineId } = { id: "" }] = await machines(control);
  const asked: string[] = [];
  const seek: DriverPool["seek"] = async (id, _ms, question) => {
    asked.push(id);
    // Of all that a driver does, nothing else is asked for.
    const driver = { find: answer } as unknown as HypervisorDriver;
    return await question(driver, new AbortController().signal);
  };
  const parts = { ...control, driverPool: { seek } };
  const look = async (running: readonly string[], of: "all" | readonly string[]) =>
    await lookElsewhereFirst(parts, here, { running: new Set(running), asked: of });
  const ending = async (sessionId: string) =>
    (await control.services.sessions.get(control.admin, sessionId)).ending?.code ?? "open";
  return { here, there, machine, machineId, asked, look, ending };
}

for (const asked of ["one by one", "in a list"] as const)
  for (const t of onBoth(
    `whoever works at a machine hears that it moved, though the hypervisor that it left tells first, asked ${asked}`,
    async () => {
      await using control = await testControl();
      await control.node();
      const moved = known("web");
      const { here, there, machine, machineId, look, ending } = await stage(control, async () => ({
        ...moved,
        address: machine.address,
      }));
      const sessionId = await pending(control, machineId);
      const stopped = { ...machine, power: "stopped" } as const;

      await look([], asked === "in a list" ? "all" : [machine.address]);
      await control.inventory.take(here, { known: [stopped], gone: [] });

      assert.equal(await ending(sessionId), "machine_moved");
      const [now] = await machines(control);
      assert.deepEqual([now?.id, now?.hypervisor?.id, now?.power], [machineId, there, "running"]);
    },
  ))
    test(...t);

for (const t of onBoth("one that nobody else has was stopped", async () => {
  await using control = await testControl();
  await control.node();
  const { here, there, machine, machineId, asked, look, ending } = await stage(
    control,
    async () => undefined,
  );
  const sessionId = await pending(control, machineId);

  await look([], [machine.address]);
  await control.inventory.take(here, { known: [{ ...machine, power: "stopped" }], gone: [] });

  assert.deepEqual(asked, [there]);
  assert.equal(await ending(sessionId), "machine_not_running");
}))
  test(...t);

for (const t of onBoth(
  "a hypervisor that does not answer keeps nothing from being written down",
  async () => {
    await using control = await testControl();
    await control.node();
    const { here, machine, machineId, look, ending } = await stage(control, async () => {
      throw new Error("no answer");
    });
    const sessionId = await pending(control, machineId);

    await look([], "all");
    await control.inventory.take(here, { known: [{ ...machine, power: "stopped" }], gone: [] });

    assert.equal(await ending(sessionId), "machine_not_running");
  },
))
  test(...t);

for (const t of onBoth("nobody is asked of machines that run, or that nobody works at", async () => {
  await using control = await testControl();
  await control.node();
  const { machine, machineId, asked, look } = await stage(control, async () => undefined);

  await look([], "all");
  const sessionId = await pending(control, machineId);
  await look([machine.address], "all");
  await look([machine.address], [machine.address]);
  await look([], ["another"]);
  await control.services.sessions.end(control.admin, sessionId);
  await look([], "all");

  assert.deepEqual(asked, []);
}))
  test(...t);
