import assert from "node:assert/strict";
import { test } from "node:test";
import { openTicket } from "#wire/ticket.ts";
import { type TestControl, type TestNode, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import type { Caller, ConsoleOptions } from "../services.ts";

for (const t of onBoth(
  "a viewer opens its console again, as the account that opened it, with a ticket of its own",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const member = await control.member("someone", ["default"]);
    const { sessionId, reopen } = await attach(control, node, { caller: member });

    const { url } = await control.link.reopen({ credential: reopen, viewerAddress: "198.51.100.7" });

    const claims = await openTicket(ticketOf(url), node.ticketKey);
    assert.notEqual(claims.sessionId, sessionId);
    const session = await control.services.sessions.get(member, claims.sessionId);
    assert.equal(session.account, "someone");
    assert.equal(session.creatorAddress, "198.51.100.7");
    await redeem(control, node, claims.sessionId);
  },
))
  test(...t);

for (const t of onBoth("a credential is good once, however many come with it at once", async () => {
  await using control = await testControl();
  const node = await control.node();
  const { reopen: credential } = await attach(control, node);

  const results = await Promise.allSettled(
    Array.from({ length: 50 }, async () => await control.link.reopen({ credential, viewerAddress: "::1" })),
  );

  const refused = results.filter((result) => result.status === "rejected");
  assert.equal(refused.length, 49);
  for (const { reason } of refused) assert.equal(reason.code, "reopen_invalid");
  const { items } = await control.services.sessions.list(control.admin, { state: "pending" });
  assert.equal(items.filter((session) => session.redeemedAt === undefined).length, 1);
}))
  test(...t);

for (const t of onBoth("the console that is opened again has its own credential, so it goes on", async () => {
  await using control = await testControl();
  const node = await control.node();
  let { reopen: credential } = await attach(control, node);

  for (let turn = 0; turn < 3; turn++) {
    const { url } = await control.link.reopen({ credential, viewerAddress: "::1" });
    const { sessionId } = await openTicket(ticketOf(url), node.ticketKey);
    ({ reopen: credential } = await redeem(control, node, sessionId));
  }
}))
  test(...t);

for (const t of onBoth("what was view-only stays view-only", async () => {
  await using control = await testControl();
  const node = await control.node();
  const { reopen: credential } = await attach(control, node, { viewOnly: true });

  const { url } = await control.link.reopen({ credential, viewerAddress: "::1" });

  const { sessionId } = await openTicket(ticketOf(url), node.ticketKey);
  assert.equal((await redeem(control, node, sessionId)).rights.input, false);
}))
  test(...t);

for (const t of onBoth("what was bound to an address stays bound to it", async () => {
  await using control = await testControl();
  const node = await control.node();
  const { reopen: credential } = await attach(control, node, { callerAddress: "198.51.100.7" });

  await assert.rejects(control.link.reopen({ credential, viewerAddress: "198.51.100.8" }), {
    code: "caller_address_mismatch",
  });

  const { url } = await control.link.reopen({ credential, viewerAddress: "::ffff:198.51.100.7" });
  assert.equal((await openTicket(ticketOf(url), node.ticketKey)).callerAddress, "198.51.100.7");
}))
  test(...t);

for (const t of onBoth(
  "the extra token was brought once and is not asked for again, even where it is demanded",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    await control.services.settings.set(
      control.admin,
      "consoleproxy.extra.security.validation.enabled",
      "true",
    );
    const { reopen: credential } = await attach(control, node, { extra: "x" });

    const { url } = await control.link.reopen({ credential, viewerAddress: "::1" });

    assert.equal((await openTicket(ticketOf(url), node.ticketKey)).extraHash, undefined);
    assert.ok(!url.includes("extra"));
  },
))
  test(...t);

for (const t of onBoth("it works for a set time after the end, and not a millisecond longer", async () => {
  await using control = await testControl();
  const node = await control.node();
  const first = await attach(control, node);
  const second = await attach(control, node);
  const third = await attach(control, node);
  await control.services.settings.set(control.admin, "console.reopen.timeout", "60000");
  control.clock.advance(3_600_000);
  await control.link.registry.heartbeat(node.id, { incarnation: node.incarnation, sessions: 3 });
  const reopen = async ({ reopen: credential }: { reopen: string }) =>
    await control.link.reopen({ credential, viewerAddress: "::1" });

  await reopen(first);
  for (const { sessionId } of [second, third]) await end(control, node, sessionId);
  control.clock.advance(59_999);
  await control.link.registry.heartbeat(node.id, { incarnation: node.incarnation, sessions: 0 });
  await reopen(second);
  control.clock.advance(1);
  await assert.rejects(reopen(third), { code: "reopen_invalid" });
}))
  test(...t);

for (const t of onBoth("a credential that nobody gave out opens nothing", async () => {
  await using control = await testControl();
  const node = await control.node();
  const [one, two] = [await attach(control, node), await attach(control, node)];
  const secret = one.reopen.split(".")[1] ?? "";

  for (const credential of [
    "",
    "x",
    secret,
    `.${secret}`,
    `${one.sessionId}.`,
    `${one.sessionId}.${"A".repeat(43)}`,
    `${two.sessionId}.${secret}`,
    `${one.reopen}.`,
  ])
    await assert.rejects(control.link.reopen({ credential, viewerAddress: "::1" }), {
      code: "reopen_invalid",
    });
}))
  test(...t);

for (const t of onBoth("rights are judged anew", async () => {
  await using control = await testControl();
  const node = await control.node();
  const member = await control.member("someone", ["default"]);
  const { reopen: credential } = await attach(control, node, { caller: member });
  await control.store.db.deleteFrom("memberships").execute();

  await assert.rejects(control.link.reopen({ credential, viewerAddress: "::1" }), {
    code: "access_withdrawn",
  });
}))
  test(...t);

for (const t of onBoth("a refusal that may pass leaves the credential good", async () => {
  await using control = await testControl();
  const node = await control.node();
  const { reopen: credential, machineId } = await attach(control, node);
  const reopen = async () => await control.link.reopen({ credential, viewerAddress: "::1" });

  await control.services.machines.update(control.admin, machineId, { state: "stopped" });
  await assert.rejects(reopen(), { code: "machine_not_running" });
  await control.services.machines.update(control.admin, machineId, { state: "running" });
  control.clock.advance(20_000);
  await assert.rejects(reopen(), { code: "no_node_available" });
  await control.link.registry.heartbeat(node.id, { incarnation: node.incarnation, sessions: 1 });

  await reopen();
}))
  test(...t);

for (const t of onBoth("the database knows a credential only by its hash", async () => {
  await using control = await testControl();
  const node = await control.node();
  const { reopen } = await attach(control, node);

  const rows = await control.store.db.selectFrom("sessions").selectAll().execute();

  assert.equal(rows.length, 1);
  const [, secret = reopen] = reopen.split(".");
  assert.ok(!JSON.stringify(rows).includes(secret));
}))
  test(...t);

/** Opens a console and redeems its ticket. */
async function attach(
  control: TestControl,
  node: TestNode,
  { caller = control.admin, ...options }: Partial<ConsoleOptions> & { readonly caller?: Caller } = {},
) {
  const machine = await control.machine();
  const { sessionId } = await control.services.consoles.open(caller, {
    machineId: machine.id,
    api: "native",
    ...options,
  });
  const { reopen } = await redeem(control, node, sessionId);
  return { sessionId, reopen, machineId: machine.id };
}

async function redeem(control: TestControl, { id, incarnation }: TestNode, sessionId: string) {
  return await control.link.redeem(id, {
    incarnation,
    sessionId,
    attachment: 1,
    viewerAddress: "198.51.100.7",
  });
}

async function end(control: TestControl, { id, incarnation }: TestNode, sessionId: string): Promise<void> {
  const ending = { kind: "closed", code: "viewer_closed" } as const;
  const counters = { bytesToViewer: 1, bytesFromViewer: 1 };
  await control.link.takeReports({ nodeId: id, incarnation }, [
    { sessionId, attachment: 1, at: control.clock.now(), state: "ended", ending, ...counters },
  ]);
}

function ticketOf(url: string): string {
  return new URLSearchParams(new URL(url).hash.slice(1)).get("token") ?? "";
}
