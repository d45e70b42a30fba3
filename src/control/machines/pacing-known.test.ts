import assert from "node:assert/strict";
import { test } from "node:test";
import { type OneControl, testControl } from "../../../test/harness/control.ts";
import { attempt, fail, report, reportFailed, ticket } from "../../../test/harness/sign-ins.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { createPacing } from "./pacing.ts";

const CLOSED = { kind: "closed", code: "viewer_closed" } as const;

for (const t of onBoth(
  "a password that was taken costs one question, and so does a machine that has none",
  async () => {
    await using control = await testControl();
    await control.node();
    const known = (await control.machine({ name: "known", password: "richtig" })).id;
    const bare = (await control.machine({ name: "bare" })).id;
    await report(control, await attempt(control, known), { state: "active" });
    let questions = 0;
    const { store } = control;
    const pacing = createPacing({
      ...store,
      async run(db, query) {
        questions += 1;
        return await store.run(db, query);
      },
      lock: async () => assert.fail("nobody is waited for"),
    });

    for (const machineId of [known, bare])
      for (let consoles = 0; consoles < 8; consoles++) {
        const { sessionId } = await ticket(control, machineId);
        await pacing.admit({ sessionId, machineId });
      }

    assert.equal(questions, 16);
    assert.deepEqual(await standingOf(control), [[known, 0]]);
  },
))
  test(...t);

for (const t of onBoth(
  "a password is known by a picture as by a console, however short it was open",
  async () => {
    await using control = await testControl();
    await control.node();
    const byPicture = (await control.machine({ name: "a", password: "richtig" })).id;
    const byShort = (await control.machine({ name: "b", password: "richtig" })).id;
    const unseen = (await control.machine({ name: "c", password: "richtig" })).id;
    const picture = await attempt(control, byPicture, { purpose: "thumbnail" });
    const short = await attempt(control, byShort);
    const gone = await attempt(control, unseen);

    await report(control, picture, { state: "ended", ending: CLOSED });
    await report(control, short, { state: "ended", ending: CLOSED, bytesToViewer: 1 });
    await report(control, gone, { state: "ended", ending: CLOSED });

    const known = [byPicture, byShort].sort().map((machineId) => [machineId, 0]);
    assert.deepEqual(await standingOf(control), known);
  },
))
  test(...t);

for (const t of onBoth("pictures that fail count as consoles do", async () => {
  await using control = await testControl();
  await control.node();
  const machineId = (await control.machine({ password: "falsch" })).id;
  const picture = { purpose: "thumbnail" } as const;

  for (let pictures = 0; pictures < 3; pictures++)
    await reportFailed(control, await attempt(control, machineId, picture));

  await assert.rejects(attempt(control, machineId), { code: "upstream_password_paced" });
  await assert.rejects(attempt(control, machineId, picture), { code: "upstream_password_paced" });
}))
  test(...t);

for (const t of onBoth(
  "who fails with a password that was changed meanwhile keeps nobody from trying the new one",
  async () => {
    await using control = await testControl();
    await control.node();
    const machineId = (await control.machine({ password: "falsch" })).id;
    const other = await control.member("other", ["default"]);
    const late = [await attempt(control, machineId), await attempt(control, machineId)];
    late.push(await attempt(control, machineId, { by: other }));

    await control.services.machines.update(control.admin, machineId, { password: "richtig" });
    for (const sessionId of late) await reportFailed(control, sessionId);

    assert.deepEqual(await standingOf(control), [[machineId, 3]], "the hypervisor has counted them");
    await report(control, await attempt(control, machineId), { state: "active" });
    assert.deepEqual(await standingOf(control), [[machineId, 0]]);
  },
))
  test(...t);

for (const t of onBoth(
  "a console that opens with a password that was changed meanwhile says nothing of the new one",
  async () => {
    await using control = await testControl();
    await control.node();
    const machineId = (await control.machine({ password: "richtig" })).id;
    const late = await attempt(control, machineId);

    await control.services.machines.update(control.admin, machineId, { password: "falsch" });
    await report(control, late, { state: "active" });

    assert.deepEqual(await standingOf(control), []);
  },
))
  test(...t);

for (const t of onBoth(
  "a console that has been open for long says nothing of a password that fails now",
  async () => {
    await using control = await testControl();
    await control.node();
    const machineId = (await control.machine({ password: "richtig" })).id;
    const open = await attempt(control, machineId);
    await report(control, open, { state: "active" });
    for (let attempts = 0; attempts < 3; attempts++) await fail(control, machineId);

    await report(control, open, { state: "active", bytesToViewer: 5 });
    await report(control, open, { state: "ended", ending: CLOSED, bytesToViewer: 5 });

    await assert.rejects(attempt(control, machineId), { code: "upstream_password_paced" });
  },
))
  test(...t);

for (const t of onBoth(
  "a password that is not taken any more is known no more, after one failure",
  async () => {
    await using control = await testControl();
    await control.node();
    const machineId = (await control.machine({ password: "richtig" })).id;
    await report(control, await attempt(control, machineId), { state: "active" });
    const together = [await attempt(control, machineId), await attempt(control, machineId)];

    for (const sessionId of together) await reportFailed(control, sessionId);
    await fail(control, machineId);

    await assert.rejects(attempt(control, machineId), { code: "upstream_password_paced" });
  },
))
  test(...t);

for (const t of onBoth("what nodes tried while no control answered counts when they tell of it", async () => {
  await using control = await testControl();
  const { admin, services, store } = control;
  await services.settings.set(admin, "console.offline.policy", "accept");
  await control.node();
  const machineId = (await control.machine({ password: "falsch" })).id;
  const sessions = [];
  for (let consoles = 0; consoles < 3; consoles++)
    sessions.push((await ticket(control, machineId)).sessionId);
  await store.db.updateTable("sessions").set({ offline_grant: 2 }).execute();

  for (const [index, sessionId] of sessions.entries()) {
    const nonce = `${index}`.padStart(22, "n");
    const redeemed = { at: control.clock.now(), viewerAddress: "198.51.100.7", nonce };
    const ending = { kind: "failed", code: "upstream_authentication_failed" } as const;
    await report(control, sessionId, { state: "ended", ending, redeemed });
  }

  await assert.rejects(attempt(control, machineId), { code: "upstream_password_paced" });
}))
  test(...t);

/** What is known of machines' passwords. */
async function standingOf({ store }: OneControl) {
  const rows = await store.db
    .selectFrom("sign_in_failures")
    .select(["machine_id", "failures"])
    .orderBy("machine_id")
    .execute();
  return rows.map((row) => [row.machine_id, row.failures]);
}
