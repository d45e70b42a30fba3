import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { type TestControl, type TestNode, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import type { Caller } from "../services.ts";

const RACERS = 1000;

for (const t of onBoth("a redeemed ticket is a grant with what opens the console", async () => {
  await using control = await testControl();
  const node = await control.node();
  const machine = await control.machine({ name: "web", address: "192.0.2.7:5901", password: "geheim" });
  const sessionId = await open(control, machine.id);

  const grant = await redeem(control, node, sessionId);

  assert.match(grant.reopen, new RegExp(`^${sessionId}[.][A-Za-z0-9_-]{43}$`));
  assert.deepEqual(grant, {
    sessionId,
    attachment: 1,
    account: "admin",
    machine: { id: machine.id, name: "web" },
    protocol: "rfb",
    upstream: { address: { kind: "tcp", host: "192.0.2.7", port: 5901 }, password: "geheim" },
    rights: { input: true, clipboardIn: true, resize: true, power: true },
    reopen: grant.reopen,
  });
  const session = await control.services.sessions.get(control.admin, sessionId);
  assert.equal(session.state, "pending", "it is active when the node says so");
  assert.equal(session.redeemedAt, new Date(control.clock.now()).toISOString());
  assert.equal(session.viewerAddress, "198.51.100.7");
}))
  test(...t);

for (const t of onBoth("a view-only console grants no right at all", async () => {
  await using control = await testControl();
  const node = await control.node();
  const machine = await control.machine();
  const { sessionId } = await control.services.consoles.open(control.admin, {
    machineId: machine.id,
    api: "native",
    viewOnly: true,
  });

  const { rights } = await redeem(control, node, sessionId);

  assert.deepEqual(rights, { input: false, clipboardIn: false, resize: false, power: false });
}))
  test(...t);

for (const t of onBoth(
  "a ticket of ours is used once, whatever is switched on for tokens of a Nova",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const machine = await control.machine();
    const sessionId = await open(control, machine.id);
    await control.services.settings.set(control.admin, "nova.tokens.reuse", "true");

    await redeem(control, node, sessionId);

    await assert.rejects(redeem(control, node, sessionId), { code: "ticket_used" });
  },
))
  test(...t);

for (const t of onBoth(
  `of ${RACERS} who redeem one ticket at once exactly one wins, the others are told that it is used`,
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const machine = await control.machine();
    const sessionId = await open(control, machine.id);

    const results = await Promise.allSettled(
      Array.from({ length: RACERS }, async () => await redeem(control, node, sessionId)),
    );

    const refused = results.filter((result) => result.status === "rejected");
    assert.equal(refused.length, RACERS - 1);
    for (const { reason } of refused) assert.equal(reason.code, "ticket_used");
  },
))
  test(...t);

for (const t of onBoth("a ticket is redeemed by the very node and start that it was issued for", async () => {
  await using control = await testControl();
  const node = await control.node();
  const other = await control.node();
  const machine = await control.machine();
  const sessionId = await open(control, machine.id);

  await assert.rejects(redeem(control, other, sessionId), { code: "ticket_foreign" });
  await assert.rejects(redeem(control, { ...node, incarnation: randomUUID() }, sessionId), {
    code: "ticket_foreign",
  });
  await assert.rejects(redeem(control, node, randomUUID()), { code: "ticket_foreign" });
  await assert.rejects(redeem(control, node, sessionId, { attachment: 2 }), { code: "ticket_used" });

  await redeem(control, node, sessionId);
}))
  test(...t);

for (const t of onBoth(
  "a question that is asked again with its nonce is answered alike, and another is not",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const machine = await control.machine();
    const sessionId = await open(control, machine.id);
    const nonce = randomUUID();

    const first = await redeem(control, node, sessionId, { nonce });
    control.clock.advance(120_000);
    const again = await redeem(control, node, sessionId, { nonce });

    assert.deepEqual({ ...again, reopen: first.reopen }, first);
    const told = control.store.db.selectFrom("audit").select("action").where("action", "=", "console.redeem");
    assert.equal((await told.execute()).length, 1, "it is one redemption, however often it was asked for");
    await assert.rejects(redeem(control, node, sessionId, { nonce: randomUUID() }), { code: "ticket_used" });
    await assert.rejects(redeem(control, node, sessionId), { code: "ticket_used" });
  },
))
  test(...t);

for (const t of onBoth("a refusal is asked again, too", async () => {
  await using control = await testControl();
  const node = await control.node();
  const machine = await control.machine();
  const sessionId = await open(control, machine.id);
  await control.store.db.deleteFrom("machines").execute();
  const nonce = randomUUID();

  for (let times = 0; times < 2; times++)
    await assert.rejects(redeem(control, node, sessionId, { nonce }), { code: "machine_gone" });
}))
  test(...t);

for (const t of onBoth("once the node has said that the console is open, its question is over", async () => {
  await using control = await testControl();
  const node = await control.node();
  const machine = await control.machine();
  const sessionId = await open(control, machine.id);
  const nonce = randomUUID();
  await redeem(control, node, sessionId, { nonce });
  const report = { sessionId, attachment: 1, at: 0, bytesToViewer: 0, bytesFromViewer: 0 };
  await control.link.takeReports({ nodeId: node.id, incarnation: node.incarnation }, [
    { ...report, state: "active" },
  ]);

  await assert.rejects(redeem(control, node, sessionId, { nonce }), { code: "ticket_used" });
}))
  test(...t);

for (const t of onBoth("a ticket works until its last millisecond, by the database's clock", async () => {
  await using control = await testControl();
  const node = await control.node();
  const machine = await control.machine();
  const [intime, late] = [await open(control, machine.id), await open(control, machine.id)];

  control.clock.advance(59_999);
  await redeem(control, node, intime);
  control.clock.advance(1);

  await assert.rejects(redeem(control, node, late), { code: "ticket_expired" });
  control.clock.advance(1_000_000);
  await assert.rejects(redeem(control, node, late), { code: "ticket_expired" });
  await assert.rejects(redeem(control, node, intime), { code: "ticket_used" });
}))
  test(...t);

for (const t of onBoth("a ticket that is bound to an address is not spent by another", async () => {
  await using control = await testControl();
  const node = await control.node();
  const machine = await control.machine();
  const { sessionId } = await control.services.consoles.open(control.admin, {
    machineId: machine.id,
    api: "native",
    callerAddress: "198.51.100.7",
  });

  await assert.rejects(redeem(control, node, sessionId, { viewerAddress: "198.51.100.8" }), {
    code: "caller_address_mismatch",
  });

  await redeem(control, node, sessionId, { viewerAddress: "::ffff:198.51.100.7" });
}))
  test(...t);

for (const t of onBoth(
  "the machine is resolved again: a ticket never opens what now listens on its old address",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const machine = await control.machine({ address: "192.0.2.7:5901" });
    const sessionId = await open(control, machine.id);
    await control.services.machines.update(control.admin, machine.id, {
      address: "192.0.2.8:5902",
      password: "neu",
    });

    const { upstream } = await redeem(control, node, sessionId);

    assert.deepEqual(upstream, { address: { kind: "tcp", host: "192.0.2.8", port: 5902 }, password: "neu" });
  },
))
  test(...t);

/** Past the services, which end the sessions themselves: as a change that is made while the ticket is redeemed. */
const CHANGES: readonly [
  what: string,
  code: string,
  change: (control: TestControl, machineId: string, member: Caller) => Promise<unknown>,
][] = [
  [
    "the machine was removed",
    "machine_gone",
    async ({ store }, machineId) =>
      await store.db.deleteFrom("machines").where("id", "=", machineId).execute(),
  ],
  [
    "the account was removed",
    "access_withdrawn",
    async ({ store }, _machineId, member) =>
      await store.db.deleteFrom("accounts").where("id", "=", member.accountId).execute(),
  ],
  [
    "the account was disabled",
    "access_withdrawn",
    async ({ store }, _machineId, member) =>
      await store.db
        .updateTable("accounts")
        .set({ disabled: 1 })
        .where("id", "=", member.accountId)
        .execute(),
  ],
  [
    "the account left the project",
    "access_withdrawn",
    async ({ store }, _machineId, member) =>
      await store.db.deleteFrom("memberships").where("account_id", "=", member.accountId).execute(),
  ],
  [
    "the machine was stopped",
    "machine_not_running",
    async ({ store }, machineId) =>
      await store.db.updateTable("machines").set({ state: "stopped" }).where("id", "=", machineId).execute(),
  ],
];

for (const [what, code, change] of CHANGES) {
  test(`a ticket is refused with ${code} when ${what} since, and stays refused`, async () => {
    await using control = await testControl();
    const node = await control.node();
    const machine = await control.machine();
    const member = await control.member("someone", ["default"]);
    const sessionId = await open(control, machine.id, member);
    await change(control, machine.id, member);

    await assert.rejects(redeem(control, node, sessionId), { code });

    const session = await control.services.sessions.get(control.admin, sessionId);
    assert.equal(session.state, "ended");
    assert.deepEqual(session.ending, { kind: "refused", code });
    await assert.rejects(redeem(control, node, sessionId), { code: "ticket_used" });
  });
}

for (const t of onBoth(
  "a machine that was removed and registered again under its name and address is another one",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const machine = await control.machine({ name: "web", address: "192.0.2.7:5901" });
    const sessionId = await open(control, machine.id);
    await control.services.machines.remove(control.admin, machine.id);
    await control.machine({ name: "web", address: "192.0.2.7:5901" });

    await assert.rejects(redeem(control, node, sessionId), { code: "machine_gone" });
  },
))
  test(...t);

for (const t of onBoth("a database that fails lets nobody in", async () => {
  const control = await testControl();
  const node = await control.node();
  const machine = await control.machine();
  const sessionId = await open(control, machine.id);
  await control[Symbol.asyncDispose]();

  await assert.rejects(redeem(control, node, sessionId));
}))
  test(...t);

for (const t of onBoth(
  "a password that does not open in its row ends the session as our own failure",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const [one, two] = [
      await control.machine({ password: "one" }),
      await control.machine({ password: "two" }),
    ];
    const sessionId = await open(control, one.id);
    const { password_sealed } = await control.store.db
      .selectFrom("machines")
      .select("password_sealed")
      .where("id", "=", two.id)
      .executeTakeFirstOrThrow();
    await control.store.db
      .updateTable("machines")
      .set({ password_sealed })
      .where("id", "=", one.id)
      .execute();

    await assert.rejects(redeem(control, node, sessionId), { code: "internal" });

    const session = await control.services.sessions.get(control.admin, sessionId);
    assert.deepEqual(session.ending, { kind: "failed", code: "internal" });
  },
))
  test(...t);

async function open(control: TestControl, machineId: string, caller = control.admin): Promise<string> {
  return (await control.services.consoles.open(caller, { machineId, api: "native" })).sessionId;
}

for (const t of onBoth(
  "a ticket for a picture is redeemed as that and not as a console, and nobody can open it again",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const { id: machineId } = await control.machine();
    const { services, admin, link, store } = control;
    const { sessionId } = await services.consoles.open(admin, {
      machineId,
      api: "cloudstack",
      purpose: "thumbnail",
    });
    const request = {
      incarnation: node.incarnation,
      sessionId,
      attachment: 1,
      viewerAddress: "198.51.100.7",
    };

    await assert.rejects(link.redeem(node.id, request), { code: "ticket_invalid" });
    const { rights } = await link.redeem(node.id, { ...request, purpose: "thumbnail" });

    assert.equal(rights.input, false);
    const row = await store.db
      .selectFrom("sessions")
      .select(["reopen_hash", "redeemed_at"])
      .where("id", "=", sessionId)
      .executeTakeFirst();
    assert.equal(row?.reopen_hash, null);
    assert.notEqual(row?.redeemed_at, null);
  },
))
  test(...t);

for (const t of onBoth("a ticket for a console is not redeemed as one for a picture", async () => {
  await using control = await testControl();
  const node = await control.node();
  const { id: machineId } = await control.machine();
  const { sessionId } = await control.services.consoles.open(control.admin, { machineId, api: "native" });

  await assert.rejects(
    control.link.redeem(node.id, {
      incarnation: node.incarnation,
      sessionId,
      attachment: 1,
      viewerAddress: "198.51.100.7",
      purpose: "thumbnail",
    }),
    { code: "ticket_invalid" },
  );
}))
  test(...t);

async function redeem(
  control: TestControl,
  node: Pick<TestNode, "id" | "incarnation">,
  sessionId: string,
  {
    attachment = 1,
    viewerAddress = "198.51.100.7",
    nonce,
  }: { attachment?: number; viewerAddress?: string; nonce?: string } = {},
) {
  return await control.link.redeem(node.id, {
    incarnation: node.incarnation,
    sessionId,
    attachment,
    viewerAddress,
    ...(nonce === undefined ? {} : { nonce }),
  });
}
