import assert from "node:assert/strict";
import { test } from "node:test";
import { type CompiledQuery, sql } from "kysely";
import { testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import type { Machines } from "../services.ts";
import type { Store } from "../store/store.ts";
import { machineQuery } from "./listing.ts";

for (const t of onBoth(
  "a machine is registered in the default project, running, its address in one spelling",
  async () => {
    await using control = await testControl();

    const machine = await control.services.machines.add(control.admin, {
      name: "  web 1 ",
      protocol: "rfb",
      address: "KVM.example.com:5901",
    });

    assert.deepEqual(machine, {
      id: machine.id,
      name: "web 1",
      projectId: machine.projectId,
      project: "default",
      protocol: "rfb",
      protocols: ["rfb"],
      pool: "default",
      state: "running",
      createdAt: new Date(control.clock.now()).toISOString(),
      address: "kvm.example.com:5901",
    });
    assert.match(machine.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    assert.deepEqual(await control.services.machines.get(control.admin, machine.id), machine);
  },
))
  test(...t);

for (const t of onBoth("a machine's password never comes back, and is sealed in the database", async () => {
  await using control = await testControl();
  const { machines } = control.services;

  const added = await control.machine({ password: "geheim-eins" });
  const updated = await machines.update(control.admin, added.id, { password: "geheim-zwei" });

  const rows = await control.store.db.selectFrom("machines").selectAll().execute();
  for (const text of [
    JSON.stringify([added, updated, await machines.list(control.admin, {})]),
    JSON.stringify(rows),
  ])
    assert.ok(!text.includes("geheim"));
  assert.match(rows[0]?.password_sealed ?? "", /^v1\./);
}))
  test(...t);

for (const t of onBoth("a password is changed, taken away, or left as it is", async () => {
  await using control = await testControl();
  const machine = await control.machine({ password: "eins" });
  const { db } = control.store;
  const sealed = async () =>
    (await db.selectFrom("machines").select("password_sealed").executeTakeFirstOrThrow()).password_sealed;
  const update = async (password?: string | null) =>
    await control.services.machines.update(
      control.admin,
      machine.id,
      password === undefined ? {} : { password },
    );

  const first = await sealed();
  await update();
  assert.equal(await sealed(), first);
  await update("zwei");
  assert.notEqual(await sealed(), first);
  await update(null);
  assert.equal(await sealed(), null);
  await update("");
  assert.equal(await sealed(), null, "an empty password is none");
}))
  test(...t);

for (const t of onBoth("names are unique within a project, whatever way they come in", async () => {
  await using control = await testControl();
  const { machines, projects } = control.services;
  await projects.add(control.admin, { name: "alpha" });
  await control.machine({ name: "web" });
  const other = await control.machine({ name: "db" });

  await assert.rejects(control.machine({ name: " web" }), { code: "conflict", detail: "machine web" });
  await assert.rejects(machines.update(control.admin, other.id, { name: "web" }), { code: "conflict" });
  await control.machine({ name: "web", project: "alpha" });
  await control.machine({ name: "WEB" });
  await machines.update(control.admin, other.id, { name: "db", state: "stopped" });
}))
  test(...t);

for (const t of onBoth("what is wrong with an address is said", async () => {
  await using control = await testControl();
  const machine = await control.machine();

  await assert.rejects(control.machine({ address: "nowhere" }), {
    code: "request_invalid",
    detail: /^address: the port is missing: it must be HOST:PORT, /,
  });
  const update = control.services.machines.update(control.admin, machine.id, { address: "2130706433:5900" });
  await assert.rejects(update, { code: "request_invalid", detail: /four decimal numbers/ });
}))
  test(...t);

for (const t of onBoth("a project that does not exist has no machines", async () => {
  await using control = await testControl();

  await assert.rejects(control.machine({ project: "none" }), {
    code: "not_found",
    detail: /no project “none”, which “porthole project add none”/,
  });
}))
  test(...t);

for (const t of onBoth("a machine that was removed is gone", async () => {
  await using control = await testControl();
  const { machines } = control.services;
  const { id } = await control.machine();

  await machines.remove(control.admin, id);

  await assert.rejects(machines.get(control.admin, id), { code: "not_found" });
  await assert.rejects(machines.remove(control.admin, id), { code: "not_found" });
  await assert.rejects(machines.update(control.admin, id, {}), { code: "not_found" });
}))
  test(...t);

for (const t of onBoth("machines are listed by name over all projects, page by page, each once", async () => {
  await using control = await testControl();
  const { machines, projects } = control.services;
  for (const name of ["alpha", "beta", "hidden"]) await projects.add(control.admin, { name });
  const names = ["Ärger", "a", "B", "c", "c", "d", "é"];
  for (const [index, name] of names.entries())
    await control.machine({ name, project: index % 2 === 0 ? "alpha" : "beta" });
  await control.machine({ name: "b2", project: "hidden" });
  const member = await control.member("someone", ["alpha", "beta"]);

  const read = async (caller: typeof member, limit: number) => {
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await machines.list(caller, { limit, after });
      assert.ok(page.items.length <= limit);
      seen.push(...page.items.map(({ name }) => name));
      after = page.next;
    } while (after !== undefined);
    return seen;
  };

  for (const limit of [1, 2, 3, 500]) {
    assert.deepEqual(await read(member, limit), ["a", "B", "c", "c", "d", "Ärger", "é"]);
    assert.deepEqual(await read(control.admin, limit), ["a", "B", "b2", "c", "c", "d", "Ärger", "é"]);
  }
}))
  test(...t);

for (const t of onBoth("machines are found by their name, and by a part of it in any case", async () => {
  await using control = await testControl();
  for (const name of ["web-1", "Web-2", "db 100%", "db_x"]) await control.machine({ name });
  const find = async (filter: Parameters<Machines["list"]>[1]) =>
    (await control.services.machines.list(control.admin, filter)).items.map(({ name }) => name);

  assert.deepEqual(await find({ name: "web-1" }), ["web-1"]);
  assert.deepEqual(await find({ name: "Web-1" }), []);
  assert.deepEqual(await find({ keyword: "WEB" }), ["web-1", "Web-2"]);
  assert.deepEqual(await find({ keyword: "0%" }), ["db 100%"]);
  assert.deepEqual(await find({ keyword: "_" }), ["db_x"]);
  assert.deepEqual(await find({ keyword: "" }), ["db 100%", "db_x", "web-1", "Web-2"]);
  assert.deepEqual(await find({ keyword: "nothing" }), []);
}))
  test(...t);

for (const projectId of [undefined, "p"]) {
  for (const after of [undefined, ["k", "i"] as const]) {
    for (const filter of [{}, { name: "n" }]) {
      const what = `${projectId ?? "every"} project, ${JSON.stringify(filter)}, ${after ? "next" : "first"} page`;
      test(`a list of ${what} comes off an index in order`, async () => {
        await using control = await testControl();
        const query = machineQuery(control.store.db, { projectId, filter, after, size: 100 });

        const plan = await explain(control.store, query.compile());

        assert.ok(!plan.some((step) => step.includes("TEMP B-TREE")), plan.join("; "));
        const onMachines = plan.find((step) => step.includes(" machines ")) ?? "";
        const narrowed = projectId !== undefined || after !== undefined || "name" in filter;
        assert.match(
          onMachines,
          narrowed ? /^SEARCH machines USING INDEX/ : /^SCAN machines USING INDEX machines_by_name/,
        );
      });
    }
  }
}

async function explain(store: Store, { sql: text }: CompiledQuery): Promise<string[]> {
  const query = sql.raw<{ detail: string }>(`explain query plan ${text.replaceAll("?", "'1'")}`);
  return (await query.execute(store.db)).rows.map((row) => row.detail);
}
