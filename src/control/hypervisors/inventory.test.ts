import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import type { KnownMachine } from "#hypervisors/driver.ts";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { hypervisor, known, machines, pending, waiting } from "../../../test/harness/inventory-stage.ts";
import { onBoth } from "../../../test/harness/test-database.ts";

for (const t of onBoth(
  "machines come into the project of the first rule that fits, and wait where none does",
  async () => {
    await using control = await testControl();
    await control.services.projects.add(control.admin, { name: "shop" });
    const id = await hypervisor(control, { rules: [{ name: "web-*", project: "shop" }] });
    const shop = known("web-1", { guest: "windows" });

    await control.inventory.takeAll(id, [shop, known("db"), known("\u202Eevil\n")]);

    const [machine, ...others] = await machines(control);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [machine?.name, machine?.project, machine?.power, machine?.guest, machine?.hypervisor?.name],
      ["web-1", "shop", "running", "windows", "host7"],
    );
    assert.equal(machine?.address, shop.address);
    const kept = await control.store.db.selectFrom("machines").select("driver").executeTakeFirst();
    assert.equal(kept?.driver, "hypervisor", "which versions of before do not know, and open nothing");
    assert.deepEqual(await waiting(control), ["db", "\uFFFDevil\uFFFD"]);
    const [listed] = await control.services.hypervisors.list(control.admin);
    assert.deepEqual([listed?.machines, listed?.waiting], [1, 2]);
    assert.deepEqual(await told(control, "machine.add"), ["web-1: hypervisor host7"]);
  },
))
  test(...t);

for (const t of onBoth(
  "a machine that was assigned by hand stays where it is, whatever the rules say",
  async () => {
    await using control = await testControl();
    const { machines: service, hypervisors, projects } = control.services;
    for (const name of ["shop", "lab"]) await projects.add(control.admin, { name });
    const id = await hypervisor(control);
    const all = [known("a"), known("b"), known("c")];
    await control.inventory.takeAll(id, all);
    const { items } = await service.waiting(control.admin, {});
    const [a] = items;
    assert.ok(a !== undefined);

    const assigned = await service.assign(control.admin, a.id, "lab");
    await hypervisors.update(control.admin, id, { rules: [{ name: "*", project: "shop" }] });
    await control.inventory.takeAll(id, all);

    assert.deepEqual([assigned.id, assigned.project], [a.id, "lab"]);
    const list = await machines(control);
    assert.deepEqual(
      list.map(({ name, project }) => [name, project]),
      [
        ["a", "lab"],
        ["b", "shop"],
        ["c", "shop"],
      ],
    );
    assert.deepEqual(await told(control, "machine.assign"), ["a: lab"]);
    await assert.rejects(service.assign(control.admin, a.id, "nowhere"), { code: "not_found" });
    await assert.rejects(service.assign(control.admin, "nobody", "lab"), { code: "not_found" });
    const shop = (await projects.list(control.admin, {})).items.find(({ name }) => name === "shop");
    for (const { id: machine, project } of list)
      if (project === "shop") await service.assign(control.admin, machine, "lab");
    await assert.rejects(projects.remove(control.admin, shop?.id ?? ""), {
      code: "conflict",
      detail: /rule/,
    });
  },
))
  test(...t);

for (const t of onBoth(
  "a machine that is removed waits from then on, and no rule takes it in again",
  async () => {
    await using control = await testControl();
    const id = await hypervisor(control, { rules: [{ name: "*", project: "default" }] });
    const all = [known("a")];
    await control.inventory.takeAll(id, all);
    const [machine] = await machines(control);

    await control.services.machines.remove(control.admin, machine?.id ?? "");
    await control.inventory.takeAll(id, all);

    assert.deepEqual(await machines(control), []);
    assert.deepEqual(await waiting(control), ["a"]);
    const back = await control.services.machines.assign(control.admin, machine?.id ?? "", "default");
    assert.equal(back.id, machine?.id);
  },
))
  test(...t);

for (const t of onBoth(
  "of several who remove or assign a machine at once, while it is listed, each is told the truth",
  async () => {
    await using control = await testControl();
    const { machines: service, projects } = control.services;
    await projects.add(control.admin, { name: "lab" });
    const id = await hypervisor(control, { rules: [{ name: "*", project: "default" }] });
    const all = Array.from({ length: 20 }, (_, index) => known(`m${index}`));
    await control.inventory.takeAll(id, all);
    const listed = await machines(control);

    const renamed = all.map((machine) => ({ ...machine, name: `${machine.name} renamed` }));
    const taking = control.inventory.takeAll(id, renamed);
    const removals = await Promise.allSettled(
      listed.flatMap((machine) => [1, 2, 3].map(async () => await service.remove(control.admin, machine.id))),
    );
    const assigned = await Promise.allSettled(
      listed.flatMap((machine) =>
        ["lab", "default"].map(async (project) => await service.assign(control.admin, machine.id, project)),
      ),
    );
    await taking;

    const refused = removals.filter((each) => each.status === "rejected");
    assert.equal(refused.length, 2 * all.length);
    for (const { reason } of refused) assert.equal(reason.code, "not_found", String(reason));
    for (const each of assigned) assert.equal(each.status, "fulfilled", inspect(each));
    assert.equal((await machines(control)).length, all.length);
    assert.deepEqual(await waiting(control), []);
  },
))
  test(...t);

for (const t of onBoth("a name that is taken gets its hypervisor's behind it, until it is free", async () => {
  await using control = await testControl();
  const manual = await control.machine({ name: "web" });
  const rules = [{ name: "*", project: "default" }];
  const id = await hypervisor(control, { rules });
  const other = await hypervisor(control, { name: "host8", rules });
  const [here, there] = [known("web"), known("web")];

  await control.inventory.takeAll(id, [here]);
  await control.inventory.takeAll(other, [there, known("web@host8")]);
  const before = (await machines(control)).map(({ name }) => name);
  await control.services.machines.remove(control.admin, manual.id);
  await control.inventory.takeAll(id, [here]);

  assert.deepEqual(before.toSorted(), ["web", "web@host7", "web@host8", `web@host8@host8`].toSorted());
  assert.ok(
    (await machines(control)).some(({ name, address }) => name === "web" && address === here.address),
  );
}))
  test(...t);

for (const t of onBoth("no names keep other machines out, however they are chosen", async () => {
  await using control = await testControl();
  const id = await hypervisor(control, { rules: [{ name: "*", project: "default" }] });
  const last = known("web");
  const chosen = ["web", "web@host7", `web@${last.address}`, `${last.address} web`, "web@2"];
  const all = [...chosen.map((name) => known(name)), last, known("db")];

  await control.inventory.takeAll(id, all);
  const before = await everything(control);
  await control.inventory.takeAll(id, all);

  const list = await machines(control);
  assert.deepEqual(list.map(({ name }) => name).toSorted(), [...chosen, "web@3", "db"].toSorted());
  assert.equal(list.find(({ address }) => address === last.address)?.name, "web@3");
  assert.deepEqual(await everything(control), before, "and it keeps the name that it has");
}))
  test(...t);

for (const t of onBoth(
  "what the hypervisor says changes, and only what somebody else has to say can be changed",
  async () => {
    await using control = await testControl();
    const id = await hypervisor(control, { rules: [{ name: "*", project: "default" }] });
    const machine = known("old");
    await control.inventory.takeAll(id, [machine]);
    const [{ id: machineId } = { id: "" }] = await machines(control);

    await control.inventory.take(id, { known: [{ ...machine, name: "new", power: "paused" }], gone: [] });

    const after = await control.services.machines.get(control.admin, machineId);
    assert.deepEqual([after.name, after.power, after.state], ["new", "paused", "running"]);
    const { machines: service } = control.services;
    for (const change of [
      { name: "mine" },
      { state: "stopped" },
      { address: "192.0.2.1:5900" },
      { username: "root" },
      { tls: { mode: "insecure" } },
    ] as const)
      await assert.rejects(service.update(control.admin, machineId, change), {
        code: "request_invalid",
        detail: /hypervisor says/,
      });
    const changed = await service.update(control.admin, machineId, { pool: "north", password: "s3cret" });
    assert.equal(changed.pool, "north");
    const member = await control.member("ute", ["default"]);
    const seen = await service.get(member, machineId);
    assert.deepEqual([seen.hypervisor, seen.address, seen.power], [undefined, undefined, "paused"]);
  },
))
  test(...t);

for (const t of onBoth(
  "sessions end with the truth when their machine stops, goes, or moves to another project",
  async () => {
    await using control = await testControl();
    await control.node();
    await control.services.projects.add(control.admin, { name: "shop" });
    const id = await hypervisor(control, { rules: [{ name: "*", project: "default" }] });
    const [stopping, going, moving, staying] = [known("a"), known("b"), known("c"), known("d")];
    const unheard = known("e");
    await control.inventory.takeAll(id, [stopping, going, moving, staying, unheard]);
    const list = await machines(control);
    const sessions = new Map<string, string>();
    for (const { id: machineId, address } of list)
      sessions.set(address ?? "", await pending(control, machineId));
    const endOf = async ({ address }: KnownMachine) => {
      const { ending, state } = await control.services.sessions.get(
        control.admin,
        sessions.get(address) ?? "",
      );
      return ending?.code ?? state;
    };

    await control.inventory.takeAll(id, [{ ...stopping, power: "stopped" }, moving, staying], {
      isUnheard: (address) => address === unheard.address,
    });
    const moved = list.find(({ address }) => address === moving.address);
    await control.services.machines.assign(control.admin, moved?.id ?? "", "shop");

    assert.equal(await endOf(stopping), "machine_not_running");
    assert.equal(await endOf(going), "machine_gone");
    assert.equal(await endOf(moving), "access_withdrawn");
    assert.equal(await endOf(staying), "pending");
    assert.equal(await endOf(unheard), "pending", "nobody could say that it is gone");
    assert.ok((await told(control, "machine.remove")).includes("b: hypervisor host7 has it no more"));

    await control.services.hypervisors.remove(control.admin, id);
    assert.equal(await endOf(staying), "machine_gone");
    assert.deepEqual(await machines(control), []);
    await assert.rejects(control.inventory.takeAll(id, [staying]), { code: "not_found" });
  },
))
  test(...t);

for (const t of onBoth(
  "a list in which nothing is new writes nothing, and two that come at once are as one",
  async () => {
    await using control = await testControl();
    const id = await hypervisor(control, { rules: [{ name: "a*", project: "default" }] });
    const all = Array.from({ length: 250 }, (_, index) => known(`${index % 2 === 0 ? "a" : "b"}${index}`));

    await Promise.all([control.inventory.takeAll(id, all), control.inventory.takeAll(id, all)]);
    const before = await everything(control);
    await control.inventory.takeAll(id, all);

    const [listed] = await control.services.hypervisors.list(control.admin);
    assert.deepEqual([listed?.machines, listed?.waiting], [125, 125]);
    assert.deepEqual(await everything(control), before);
    assert.equal((await told(control, "machine.add")).length, 125);
  },
))
  test(...t);

for (const t of onBoth(
  "a hypervisor of thousands of machines is removed with a row for each, and others have their turn meanwhile",
  async () => {
    await using control = await testControl();
    const id = await hypervisor(control, { rules: [{ name: "*", project: "default" }] });
    await control.inventory.takeAll(
      id,
      Array.from({ length: 2500 }, (_, index) => known(`m${index}`)),
    );
    let [turns, isOver] = [0, false];
    const turn = () => {
      turns += 1;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);

    await control.services.hypervisors.remove(control.admin, id);
    isOver = true;

    assert.ok(turns >= 10, `${turns} turns`);
    const { count } = await control.store.db
      .selectFrom("audit")
      .select(({ fn }) => fn.countAll<number>().as("count"))
      .where("action", "=", "machine.remove")
      .where("detail", "=", "with its hypervisor host7")
      .executeTakeFirstOrThrow();
    assert.equal(Number(count), 2500);
    assert.equal(control.audit.counters.written.get("machine.remove ok"), 2500);
  },
))
  test(...t);

for (const t of onBoth(
  "a replica that stops to lead while it takes in writes nothing more, from the next hundred machines on",
  async () => {
    await using control = await testControl();
    const id = await hypervisor(control, { rules: [{ name: "*", project: "default" }] });
    const leading = new AbortController();
    const all = Array.from({ length: 250 }, (_, index) => known(`m${index}`));
    Object.defineProperty(all[110], "name", {
      get() {
        leading.abort(new Error("another one leads"));
        return "m110";
      },
    });

    const taking = control.inventory.take(id, { known: all, gone: [] }, leading.signal);

    await assert.rejects(taking, /another one leads/);
    const [listed] = await control.services.hypervisors.list(control.admin);
    assert.equal(listed?.machines, 200);
    const seen = { known: [], gone: [all[0]?.address ?? ""] };
    await assert.rejects(control.inventory.take(id, seen, leading.signal), /another one leads/);
    assert.equal((await control.services.hypervisors.list(control.admin))[0]?.machines, 200);
  },
))
  test(...t);

async function told(
  { services, admin }: TestControl,
  action: "machine.add" | "machine.remove" | "machine.assign",
) {
  const { items } = await services.audit.list(admin, { action, limit: 500 });
  return items.map(({ object, detail }) => `${object?.name}: ${detail}`);
}

async function everything({ store }: TestControl) {
  return await Promise.all(
    (["machines", "waiting_machines", "audit"] as const).map(
      async (table) => await store.db.selectFrom(table).selectAll().orderBy("id").execute(),
    ),
  );
}

/** A session of the machine's, without asking its hypervisor. */
