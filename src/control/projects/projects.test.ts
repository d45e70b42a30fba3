import assert from "node:assert/strict";
import { test } from "node:test";
import { testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";

for (const t of onBoth("projects are listed by name, page by page; a member sees its own", async () => {
  await using control = await testControl();
  const { projects } = control.services;
  for (const name of ["beta", "alpha"]) await projects.add(control.admin, { name });
  const member = await control.member("someone", ["default", "alpha"]);
  const nobody = await control.member("nobody", []);
  const names = async (caller = control.admin) =>
    (await projects.list(caller, {})).items.map((project) => project.name);

  assert.deepEqual(await names(), ["alpha", "beta", "default"]);
  assert.deepEqual(await names(member), ["alpha", "default"]);
  assert.deepEqual(await names(nobody), []);
  const first = await projects.list(member, { limit: 1 });
  const second = await projects.list(member, { limit: 1, after: first.next });
  assert.deepEqual(
    [...first.items, ...second.items].map((project) => project.name),
    ["alpha", "default"],
  );
  assert.equal(second.next, undefined);
}))
  test(...t);

for (const t of onBoth("names of projects are unique", async () => {
  await using control = await testControl();

  const again = control.services.projects.add(control.admin, { name: " default " });

  await assert.rejects(again, { code: "conflict", detail: "project default" });
}))
  test(...t);

for (const t of onBoth("a project with machines stays, one without goes, and members lose it", async () => {
  await using control = await testControl();
  const { projects, machines, accounts } = control.services;
  const { id } = await projects.add(control.admin, { name: "alpha" });
  const machine = await control.machine({ project: "alpha" });
  const member = await control.member("someone", ["alpha"]);

  await assert.rejects(projects.remove(control.admin, id), { code: "conflict" });
  await machines.remove(control.admin, machine.id);
  await projects.remove(control.admin, id);

  await assert.rejects(projects.remove(control.admin, id), { code: "not_found" });
  assert.deepEqual((await accounts.get(control.admin, member.accountId)).projects, []);
}))
  test(...t);

for (const t of onBoth("the default project stays, with machines or without", async () => {
  await using control = await testControl();
  const { projects } = control.services;
  const [project] = (await projects.list(control.admin, {})).items;

  await assert.rejects(projects.remove(control.admin, project?.id ?? ""), {
    code: "conflict",
    detail: "machines that are added without a project belong here",
  });

  assert.equal((await projects.list(control.admin, {})).items.length, 1);
}))
  test(...t);
