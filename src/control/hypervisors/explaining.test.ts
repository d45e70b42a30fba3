import assert from "node:assert/strict";
import { test } from "node:test";
import type { HypervisorDriver, KnownMachine } from "#hypervisors/driver.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { commandHypervisor } from "../../../test/harness/command-hypervisor.ts";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { hypervisor, known, machines, pending } from "../../../test/harness/inventory-stage.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { startSilent } from "../../../test/peers/hypervisor-stage.ts";
import type { DriverPool } from "./driver-pool.ts";
import { createExplaining } from "./explaining.ts";

const INTO_DEFAULT = [{ name: "*", project: "default" }];

/** A node has more patience here than anywhere: what counts is what is said. */
const withinMs = 60_000;

/** What a hypervisor answers for its one machine. */
type Says = () => Promise<KnownMachine | undefined>;

/** Two hypervisors of which the first has a machine, a session of it, and what each of them says by now. */
async function stage(control: TestControl) {
  const { id: nodeId, incarnation } = await control.node();
  const here = await hypervisor(control, { rules: INTO_DEFAULT });
  const there = await hypervisor(control, { name: "host8", rules: INTO_DEFAULT });
  const machine = known("web");
  await control.inventory.takeAll(here, [machine]);
  const [{ id: machineId } = { id: "" }] = await machines(control);
  const says = new Map<string, Says>([[there, async () => undefined]]);
  const asked: string[] = [];
  const seek: DriverPool["seek"] = async (id, _ms, question) => {
    asked.push(id);
    // Of all that a driver does, nothing else is asked for.
    const driver = { find: async () => await says.get(id)?.() } as unknown as HypervisorDriver;
    return await question(driver, new AbortController().signal);
  };
  const explain = createExplaining({ ...control, driverPool: { seek } });
  const sessionId = await pending(control, machineId);
  const why = async (id = sessionId, waitMs = withinMs) => {
    const { code } = await explain(nodeId, { incarnation, sessionId: id, attachment: 1, withinMs: waitMs });
    return code;
  };
  const ending = async () =>
    (await control.services.sessions.get(control.admin, sessionId)).ending?.code ?? "open";
  return { sessionId, here, there, machine, machineId, says, asked, why, ending };
}

for (const t of onBoth(
  "a machine that runs elsewhere by now has moved, and can be opened there at once",
  async () => {
    await using control = await testControl();
    const { here, there, machine, machineId, says, why, ending } = await stage(control);
    says.set(here, async () => ({ ...machine, power: "stopped" }));
    says.set(there, async () => machine);

    assert.equal(await why(), "machine_moved");

    assert.equal(await ending(), "machine_moved");
    const [moved] = await machines(control);
    assert.deepEqual([moved?.id, moved?.hypervisor?.name, moved?.power], [machineId, "host8", "running"]);
    assert.equal(await why(), "machine_moved", "and whoever asks later hears the same");
  },
))
  test(...t);

for (const t of onBoth("one that its old hypervisor has no more has moved as well", async () => {
  await using control = await testControl();
  const { here, there, machine, machineId, says, why } = await stage(control);
  says.set(here, async () => undefined);
  says.set(there, async () => machine);

  assert.equal(await why(), "machine_moved");

  const [moved] = await machines(control);
  assert.deepEqual([moved?.id, moved?.hypervisor?.name], [machineId, "host8"]);
}))
  test(...t);

for (const t of onBoth("a machine that stopped or was deleted is told as that", async () => {
  for (const [left, code] of [
    ["stopped", "machine_not_running"],
    [undefined, "machine_gone"],
  ] as const) {
    await using control = await testControl();
    const { here, machine, says, why, ending } = await stage(control);
    says.set(here, async () => (left === undefined ? undefined : { ...machine, power: left }));

    assert.equal(await why(), code);

    assert.equal(await ending(), code);
  }
}))
  test(...t);

for (const t of onBoth("a hypervisor that says so a moment later is heard all the same", async () => {
  await using control = await testControl();
  const { here, machine, says, why } = await stage(control);
  let times = 0;
  says.set(here, async () => ({ ...machine, power: ++times < 3 ? "running" : "stopped" }));

  assert.equal(await why(), "machine_not_running");
}))
  test(...t);

for (const t of onBoth("of a machine that is where it was nothing is said, and nothing changes", async () => {
  await using control = await testControl();
  const { sessionId, here, there, machine, says, asked, why, ending } = await stage(control);
  says.set(here, async () => machine);

  assert.equal(await why(sessionId, 1_000), undefined);

  assert.equal(await ending(), "open");
  assert.ok(!asked.includes(there), "and nobody looks for it elsewhere");
}))
  test(...t);

test("a hypervisor that cannot be asked takes nothing away, and one elsewhere that cannot keeps nothing back", async () => {
  await using control = await testControl();
  const { here, there, machine, says, why, ending } = await stage(control);
  const away: Says = async () => await Promise.reject(new GatewayError("upstream_timeout"));
  says.set(here, away);

  assert.equal(await why(), undefined);
  assert.equal(await ending(), "open");
  says.set(here, async () => ({ ...machine, power: "stopped" }));
  says.set(there, away);

  assert.equal(await why(), "machine_not_running");
});

test("of a thousand sessions of one machine that ask at once, one asks its hypervisor", async () => {
  await using control = await testControl();
  const { here, says, asked, why } = await stage(control);
  const door = Promise.withResolvers<undefined>();
  says.set(here, async () => await door.promise);

  const all = Array.from({ length: 1000 }, async () => await why());
  await eventually(() => assert.ok(asked.length > 0));
  door.resolve(undefined);

  assert.deepEqual(new Set(await Promise.all(all)), new Set(["machine_gone"]));
  assert.deepEqual(
    asked.filter((id) => id === here),
    [here],
  );
});

test("of another node's session, and of a machine without a hypervisor, nothing is said", async () => {
  await using control = await testControl();
  const { asked, why } = await stage(control);
  const { id: machineId } = await control.machine({ name: "by hand" });
  const { sessionId } = await control.services.consoles.open(control.admin, { machineId, api: "native" });

  assert.equal(await why("nobody's"), undefined);
  assert.equal(await why(sessionId), undefined);
  assert.deepEqual(asked, []);
});

test("a node asks over the link, and a command of the operator's is asked as any hypervisor is", async () => {
  await using control = await testControl();
  const { id: nodeId, incarnation } = await control.node();
  const host = await commandHypervisor(control);
  const sessionId = await pending(control, host.machine.id);
  host.setPower("stopped");

  const said = await control.link.explain(nodeId, { incarnation, sessionId, attachment: 1, withinMs });

  assert.deepEqual(said, { code: "machine_not_running" });
});

test("of a hypervisor that hangs nothing is said in time, few ask it at once, and another's machine waits for none of them", async () => {
  await using control = await testControl();
  await using silent = await startSilent();
  const { id: nodeId, incarnation } = await control.node();
  const good = await commandHypervisor(control);
  const stopped = await pending(control, good.machine.id);
  good.setPower("stopped");
  const hung = await hypervisor(control, {
    address: `qemu:///session?socket=${silent.path}`,
    rules: INTO_DEFAULT,
  });
  await control.inventory.takeAll(
    hung,
    Array.from({ length: 20 }, (_, index) => known(`m${index}`)),
  );
  const sessions: string[] = [];
  for (const { id, hypervisor: host } of await machines(control))
    if (host?.id === hung) sessions.push(await pending(control, id));
  const why = async (sessionId: string, waitMs: number) =>
    await control.link.explain(nodeId, { incarnation, sessionId, attachment: 1, withinMs: waitMs });

  const silence = Promise.all(sessions.map(async (id) => await why(id, 5_000)));
  await eventually(() => assert.equal(silent.connections, 1));
  const first = await Promise.race([silence, why(stopped, withinMs)]);

  assert.deepEqual(first, { code: "machine_not_running" });
  assert.deepEqual(new Set((await silence).map(({ code }) => code)), new Set([undefined]));
  assert.equal(silent.connections, 1, "by the one connection that all share");
});
