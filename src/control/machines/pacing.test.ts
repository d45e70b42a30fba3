import assert from "node:assert/strict";
import { test } from "node:test";
import { testControl } from "../../../test/harness/control.ts";
import { attempt, fail, pass, report, reportFailed } from "../../../test/harness/sign-ins.ts";
import { onBoth } from "../../../test/harness/test-database.ts";

const MINUTE_MS = 60_000;

for (const t of onBoth(
  "a hypervisor that does not take the password is asked less and less often, by whatever node",
  async () => {
    await using control = await testControl();
    const [one, other] = [await control.node(), await control.node()];
    const machineId = (await control.machine({ password: "falsch" })).id;

    for (let attempts = 0; attempts < 3; attempts++) await fail(control, machineId);
    await assert.rejects(attempt(control, machineId), {
      code: "upstream_password_paced",
      detail: "3 attempts failed; the next one is due in 60 s",
    });
    await pass(control, MINUTE_MS, one, other);
    await fail(control, machineId);
    await pass(control, MINUTE_MS, one, other);
    await assert.rejects(attempt(control, machineId), { code: "upstream_password_paced" });
    await pass(control, MINUTE_MS, one, other);

    await attempt(control, machineId);
  },
))
  test(...t);

for (const t of onBoth("of those who come when an attempt is due, one goes ahead", async () => {
  await using control = await testControl();
  const node = await control.node();
  const machineId = (await control.machine({ password: "falsch" })).id;
  for (let attempts = 0; attempts < 3; attempts++) await fail(control, machineId);
  await pass(control, MINUTE_MS, node);

  const first = Promise.withResolvers<string>();
  const all = Promise.allSettled(
    Array.from({ length: 8 }, async () => first.resolve(await attempt(control, machineId))),
  );
  await reportFailed(control, await first.promise);

  assert.equal((await all).filter(({ status }) => status === "fulfilled").length, 1);
  const paced = control.store.db
    .selectFrom("sessions")
    .select("id")
    .where("ending_code", "=", "upstream_password_paced");
  assert.equal((await paced.execute()).length, 7);
}))
  test(...t);

for (const t of onBoth(
  "a password that is changed is tried at once, and so is one that was right",
  async () => {
    await using control = await testControl();
    await control.node();
    const machineId = (await control.machine({ password: "falsch" })).id;
    const fails = async (times: number) => {
      for (let attempts = 0; attempts < times; attempts++) await fail(control, machineId);
    };

    await fails(3);
    await control.services.machines.update(control.admin, machineId, { name: "other" });
    await assert.rejects(attempt(control, machineId), { code: "upstream_password_paced" });
    await control.services.machines.update(control.admin, machineId, { password: "auch falsch" });
    await fails(1);
    await assert.rejects(attempt(control, machineId), {
      code: "upstream_password_paced",
      detail: "4 attempts failed; the next one is due in 120 s",
    });
    await control.services.machines.update(control.admin, machineId, { password: "richtig" });
    await report(control, await attempt(control, machineId), { state: "active" });
    await fails(2);

    await attempt(control, machineId);
  },
))
  test(...t);

for (const t of onBoth("other failures, and other machines, are nothing to it", async () => {
  await using control = await testControl();
  await control.node();
  const [wrong, right] = [await control.machine({ name: "a" }), await control.machine({ name: "b" })];
  for (let attempts = 0; attempts < 3; attempts++) await fail(control, wrong.id);
  for (let attempts = 0; attempts < 5; attempts++) await fail(control, right.id, "upstream_timeout");

  await attempt(control, right.id);
  await control.services.machines.remove(control.admin, wrong.id);

  assert.equal((await control.store.db.selectFrom("sign_in_failures").selectAll().execute()).length, 0);
}))
  test(...t);
