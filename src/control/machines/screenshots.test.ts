import assert from "node:assert/strict";
import { test } from "node:test";
import type { HypervisorDriver } from "#hypervisors/driver.ts";
import { toPng } from "#hypervisors/png.ts";
import { commandHypervisor } from "../../../test/harness/command-hypervisor.ts";
import { testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { selectMachines } from "./machine-row.ts";
import { Screenshots } from "./screenshots.ts";

for (const t of onBoth(
  "however often a picture is asked for, the hypervisor is asked once in two seconds, and the audit log told once",
  async () => {
    await using control = await testControl();
    const { machines, audit } = control.services;
    const host = await commandHypervisor(control);
    const { id } = host.machine;
    const insider = await control.member("insider", ["default"]);
    const ask = async () => await machines.screenshot(insider, id);

    const [first, ...same] = await Promise.all(Array.from({ length: 50 }, ask));
    host.setPower("stopped");
    const kept = await ask();
    control.clock.advance(2_000);

    for (const png of [...same, kept]) assert.equal(png, first, "it is the very same");
    await assert.rejects(ask(), { code: "machine_not_running" });
    host.setPower("running");
    await assert.rejects(ask(), { code: "machine_not_running" }, "how it failed is kept as long");
    control.clock.advance(2_000);
    assert.deepEqual(await ask(), first);
    const { items } = await audit.list(control.admin, { action: "machine.screenshot" });
    assert.deepEqual(
      items.map(({ account, result }) => [account, result]),
      [["insider", "ok"]],
    );
  },
))
  test(...t);

test("of large pictures few are kept, and the last one is", async () => {
  await using control = await testControl();
  const host = await commandHypervisor(control);
  const row = await selectMachines(control.store.db)
    .where("machines.id", "=", host.machine.id)
    .executeTakeFirstOrThrow();
  const small = await toPng({ mediaType: "", bytes: Buffer.from("P6 1 1 255\nabc") });
  // What stands behind its end is nobody's to read.
  const bytes = Buffer.concat([small, Buffer.alloc(12 * 1024 * 1024)]);
  const looks: string[] = [];
  const screenshot = async (address: string) => {
    looks.push(address);
    return { mediaType: "image/png", bytes };
  };
  const driverPool = {
    look: async <Result>(
      _: string,
      ask: (driver: HypervisorDriver, signal: AbortSignal) => Promise<Result>,
    ) => await ask({ screenshot } as unknown as HypervisorDriver, new AbortController().signal),
  };
  const screenshots = new Screenshots({ ...control, driverPool });
  const take = async (name: string) =>
    await screenshots.take(control.admin, { ...row, id: name, address: name });

  for (const name of ["a", "b", "c", "c", "b", "a"]) await take(name);

  assert.deepEqual(looks, ["a", "b", "c", "a"]);
});

test("a machine that was registered by hand has no picture, and nobody is told of one that he may not see", async () => {
  await using control = await testControl();
  const { machines } = control.services;
  const { id } = await control.machine();
  const outsider = await control.member("outsider", []);

  await assert.rejects(machines.screenshot(control.admin, id), { code: "no_hypervisor" });
  await assert.rejects(machines.screenshot(outsider, id), { code: "not_found" });
});
