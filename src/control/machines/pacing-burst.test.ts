import assert from "node:assert/strict";
import { test } from "node:test";
import { type OneControl, testControl, testReplicas } from "../../../test/harness/control.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { lackingPostgres } from "../../../test/harness/postgres.ts";
import {
  attempt,
  fail,
  pass,
  report,
  reportFailed,
  type Ticketed,
  ticket,
} from "../../../test/harness/sign-ins.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { createPacing } from "./pacing.ts";

for (const t of onBoth(
  "of many who come at once with a wrong password three try it, and no more",
  async () => {
    await using control = await testControl();
    await control.node();
    const machineId = (await control.machine({ password: "falsch" })).id;
    const burst = await comeAtOnce(control, { machineId, people: 8 });

    await eventually(() => assert.equal(burst.granted.length, 3));
    for (const sessionId of [...burst.granted]) await reportFailed(control, sessionId);

    const results = await burst.results;
    assert.equal(burst.granted.length, 3);
    for (const result of results)
      if (result.status === "rejected")
        assert.match(String(result.reason.detail), /3 attempts failed; the next one is due in/);
  },
))
  test(...t);

for (const t of onBoth(
  "those who wait are let in when one console opens, and nobody waits after that",
  async () => {
    await using control = await testControl();
    await control.node();
    const machineId = (await control.machine({ password: "richtig" })).id;
    const burst = await comeAtOnce(control, { machineId, people: 8 });
    await eventually(() => assert.equal(burst.granted.length, 3));

    await report(control, burst.granted[0] ?? "", { state: "active" });
    await burst.results;
    await Promise.all(Array.from({ length: 8 }, async () => await attempt(control, machineId)));

    assert.equal(burst.granted.length, 8);
    assert.equal(await trying(control), 2, "those that were let through before, and have not said anything");
  },
))
  test(...t);

for (const t of onBoth("who opens many consoles at once leaves a place to somebody else", async () => {
  await using control = await testControl();
  await control.node();
  const machineId = (await control.machine({ password: "richtig" })).id;
  const other = await control.member("other", ["default"]);
  const granted: string[] = [];
  const many = Promise.allSettled(
    Array.from({ length: 6 }, async () => granted.push(await attempt(control, machineId))),
  );
  await eventually(() => assert.equal(granted.length, 2));

  const sessionId = await attempt(control, machineId, { by: other });
  assert.equal(granted.length, 2);
  await report(control, sessionId, { state: "active" });

  assert.ok((await many).every(({ status }) => status === "fulfilled"));
}))
  test(...t);

for (const t of onBoth(
  "attempts of which nothing is heard hold nobody up for more than half a minute",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const machineId = (await control.machine({ password: "richtig" })).id;
    const burst = await comeAtOnce(control, { machineId, people: 4 });
    await eventually(() => assert.equal(burst.granted.length, 3));

    await pass(control, 30_000, node);

    await burst.results;
    assert.equal(burst.granted.length, 4);
  },
))
  test(...t);

for (const t of onBoth(
  "who has waited long enough is told for what, and so is who is one too many",
  async () => {
    await using control = await testControl();
    await control.node();
    const machineId = (await control.machine({ password: "richtig" })).id;
    await fail(control, machineId);
    await attempt(control, machineId);
    const late = await ticket(control, machineId);
    let now = 0;
    const pacing = createPacing(control.store, {
      elapsed: () => now,
      async wait(ms) {
        now += ms;
      },
    });

    await assert.rejects(pacing.admit({ sessionId: late.sessionId, machineId }), {
      code: "upstream_password_paced",
      detail:
        "1 failed; one other attempt has begun, and within 5 s it was not heard whether the password is right",
    });
    assert.equal(now, 5_000);

    const { promise: endless, reject: end } = Promise.withResolvers<void>();
    let waiting = 0;
    const patient = createPacing(control.store, {
      elapsed: () => 0,
      wait: async () => {
        waiting += 1;
        await endless;
      },
    });
    const crowd = Promise.allSettled(
      Array.from({ length: 32 }, async () => await patient.admit({ sessionId: late.sessionId, machineId })),
    );
    await eventually(() => assert.equal(waiting, 32));
    await assert.rejects(patient.admit({ sessionId: late.sessionId, machineId }), {
      code: "upstream_password_paced",
      detail: "too many wait already to hear whether the password is right",
    });
    end(new Error("the test is over"));
    await crowd;
  },
))
  test(...t);

for (const t of onBoth("control that stops lets nobody wait, and says so", async () => {
  await using control = await testControl();
  await control.node();
  const machineId = (await control.machine({ password: "richtig" })).id;
  await attempt(control, machineId);
  await attempt(control, machineId);
  const late = await ticket(control, machineId);
  const pacing = createPacing(control.store);
  const waiting = pacing.admit({ sessionId: late.sessionId, machineId });

  pacing.stop();

  await assert.rejects(waiting, { code: "control_unreachable", detail: "it stops" });
}))
  test(...t);

for (const t of onBoth("who waits for a session that is closed meanwhile is told why, at once", async () => {
  await using control = await testControl();
  await control.node();
  const { admin, services } = control;
  const machineId = (await control.machine({ password: "richtig" })).id;
  await attempt(control, machineId);
  await attempt(control, machineId);
  const { sessionId, redeem } = await ticket(control, machineId);
  const waiting = redeem();
  await isRedeemed(control, { sessionId });

  await services.sessions.end(admin, sessionId);

  await assert.rejects(waiting, { code: "session_ended" });
  await eventually(async () => assert.equal((await services.sessions.get(admin, sessionId)).state, "ended"));
}))
  test(...t);

test("replicas count together, and what is asked again at another one is one attempt", {
  skip: lackingPostgres,
}, async () => {
  await using opened = await testReplicas(2);
  const [one, two] = opened.replicas;
  assert.ok(one !== undefined && two !== undefined);
  await one.node();
  const machineId = (await one.machine({ password: "falsch" })).id;
  const nonce = "n".repeat(22);
  const first = await ticket(one, machineId, { nonce });
  const grant = await first.redeem();
  const burst = await comeAtOnce(one, { machineId, people: 8, at: [one, two] });
  await eventually(() => assert.equal(burst.granted.length, 2));

  assert.deepEqual(await first.redeem(two), grant);
  for (const sessionId of [first.sessionId, ...burst.granted]) await reportFailed(two, sessionId);

  await burst.results;
  assert.equal(burst.granted.length, 2);
});

test("who waits and asks again at another replica waits there, and is let through with the others", {
  skip: lackingPostgres,
}, async () => {
  await using opened = await testReplicas(2);
  const [one, two] = opened.replicas;
  assert.ok(one !== undefined && two !== undefined);
  await one.node();
  const machineId = (await one.machine({ password: "falsch" })).id;
  const late = await ticket(one, machineId, { nonce: "n".repeat(22) });
  const burst = await comeAtOnce(one, { machineId, people: 3 });
  await burst.results;
  const asked = Promise.allSettled([late.redeem(one), isRedeemed(one, late).then(() => late.redeem(two))]);
  await isRedeemed(one, late);

  for (const sessionId of burst.granted) await reportFailed(one, sessionId);

  const codes = (await asked).map((result) => result.status === "rejected" && result.reason.code);
  assert.deepEqual(codes, ["upstream_password_paced", "upstream_password_paced"]);
});

interface Burst {
  /** The sessions that were granted so far. */
  readonly granted: readonly string[];
  readonly results: Promise<readonly PromiseSettledResult<unknown>[]>;
}

/** Each with a ticket, and all of them redeemed at the same time. */
async function comeAtOnce(
  control: OneControl,
  {
    machineId,
    people,
    at = [control],
  }: { readonly machineId: string; readonly people: number; readonly at?: readonly OneControl[] },
): Promise<Burst> {
  const granted: string[] = [];
  const tickets = [];
  for (let person = 0; person < people; person++) {
    const by = await control.member(`person ${person}`, ["default"]);
    tickets.push(await ticket(control, machineId, { by }));
  }
  const results = tickets.map(async ({ sessionId, redeem }, index) => {
    await redeem(at[index % at.length]);
    granted.push(sessionId);
  });
  return { granted, results: Promise.allSettled(results) };
}

async function isRedeemed(
  { services, admin }: OneControl,
  { sessionId }: Pick<Ticketed, "sessionId">,
): Promise<void> {
  await eventually(async () =>
    assert.ok((await services.sessions.get(admin, sessionId)).redeemedAt !== undefined),
  );
}

/** How many sessions there are that try a password. */
async function trying({ store }: OneControl): Promise<number> {
  const rows = await store.db
    .selectFrom("sessions")
    .select("id")
    .where("trying_since", "is not", null)
    .execute();
  return rows.length;
}
