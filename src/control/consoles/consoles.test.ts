import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { openTicket } from "#wire/ticket.ts";
import { testControl } from "../../../test/harness/control.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import type { ApiName } from "../services.ts";

for (const t of onBoth("a console is a session and a ticket for the node's present start", async () => {
  await using control = await testControl();
  const node = await control.node();
  const machine = await control.machine({ name: "web" });

  const console = await control.services.consoles.open(control.admin, {
    machineId: machine.id,
    api: "native",
  });

  const claims = await openTicket(console.ticket, node.ticketKey);
  assert.deepEqual(claims, {
    sessionId: console.sessionId,
    attachment: 1,
    nodeId: node.id,
    incarnation: node.incarnation,
    issuedAt: control.clock.now(),
    expiresAt: control.clock.now() + 60_000,
  });
  assert.equal(console.expiresAt.getTime(), claims.expiresAt);
  assert.equal(
    console.url,
    `http://node.example.com:8080/p/${machine.projectId}/console.html#token=${console.ticket}`,
  );
  assert.deepEqual(console.websocket, { host: "node.example.com", port: 8080, path: "websockify" });
  assert.deepEqual(await control.services.sessions.get(control.admin, console.sessionId), {
    id: console.sessionId,
    state: "pending",
    machineId: machine.id,
    machine: "web",
    projectId: machine.projectId,
    accountId: control.admin.accountId,
    account: "admin",
    protocol: "rfb",
    viewOnly: false,
    nodeId: node.id,
    createdAt: new Date(control.clock.now()).toISOString(),
    creatorAddress: "192.0.2.1",
    bytesToViewer: 0,
    bytesFromViewer: 0,
  });
}))
  test(...t);

for (const t of onBoth("a ticket names no address, no password and no name of a machine", async () => {
  await using control = await testControl();
  const node = await control.node();
  const machine = await control.machine({ name: "web", password: "geheim" });

  const { ticket } = await control.services.consoles.open(control.admin, {
    machineId: machine.id,
    api: "native",
  });

  const claims = JSON.stringify(await openTicket(ticket, node.ticketKey));
  for (const secret of ["geheim", "192.0.2.10", "web"]) assert.ok(!claims.includes(secret), secret);
}))
  test(...t);

for (const t of onBoth("extra token, view-only and the viewer's address are bound in", async () => {
  await using control = await testControl();
  const node = await control.node();
  const machine = await control.machine();

  const console = await control.services.consoles.open(control.admin, {
    machineId: machine.id,
    api: "native",
    viewOnly: true,
    extra: "grün & blau",
    callerAddress: "::ffff:198.51.100.7",
  });

  const claims = await openTicket(console.ticket, node.ticketKey);
  assert.equal(claims.extraHash, createHash("sha256").update("grün & blau").digest("base64url"));
  assert.equal(claims.callerAddress, "198.51.100.7");
  assert.equal(console.extra, "grün & blau");
  assert.ok(console.url.endsWith("&extra=gr%C3%BCn%20%26%20blau"));
  assert.equal((await control.services.sessions.get(control.admin, console.sessionId)).viewOnly, true);
}))
  test(...t);

for (const t of onBoth("each door has its own setting for a ticket's life", async () => {
  await using control = await testControl();
  await control.node();
  const machine = await control.machine();
  const { settings, consoles } = control.services;
  await settings.set(control.admin, "console.ticket.lifetime.cloudstack", "1000");
  await settings.set(control.admin, "console.ticket.lifetime.web", "3600000");

  const lives = async (api: ApiName) => {
    const { expiresAt } = await consoles.open(control.admin, { machineId: machine.id, api });
    return expiresAt.getTime() - control.clock.now();
  };

  assert.equal(await lives("cloudstack"), 1000);
  assert.equal(await lives("native"), 60_000);
  assert.equal(await lives("web"), 3_600_000);
}))
  test(...t);

for (const t of onBoth(
  "an extra token that no viewer could bring is refused before anything is written",
  async () => {
    await using control = await testControl();
    await control.node();
    const machine = await control.machine();

    for (const extra of ["", "a\ud800", "\udc00b", "a\nb", "\u0000", "a\u007f", "\u0085", "x".repeat(256)])
      await assert.rejects(
        control.services.consoles.open(control.admin, { machineId: machine.id, api: "native", extra }),
        { code: "request_invalid" },
        JSON.stringify(extra),
      );

    assert.deepEqual((await control.services.sessions.list(control.admin, {})).items, []);
  },
))
  test(...t);

for (const t of onBoth(
  "an extra token can be demanded of every API, and is not of the web pages",
  async () => {
    await using control = await testControl();
    await control.node();
    const machine = await control.machine();
    const open = async (api: ApiName, extra?: string) =>
      await control.services.consoles.open(control.admin, { machineId: machine.id, api, extra });
    await control.services.settings.set(
      control.admin,
      "consoleproxy.extra.security.validation.enabled",
      "true",
    );

    for (const api of ["cloudstack", "native"] as const) {
      await assert.rejects(open(api), { code: "extra_token_required" });
      await open(api, "x");
    }
    await open("web");
  },
))
  test(...t);

for (const t of onBoth(
  "the caller's own address is bound where the operator wants it, but not a portal's",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const machine = await control.machine();
    await control.services.settings.set(control.admin, "novnc.console.sourceip.check.enabled", "true");
    const bound = async (api: ApiName, callerAddress?: string) => {
      const { ticket } = await control.services.consoles.open(
        { ...control.admin, address: "::ffff:192.0.2.1" },
        { machineId: machine.id, api, callerAddress },
      );
      return (await openTicket(ticket, node.ticketKey)).callerAddress;
    };

    assert.equal(await bound("cloudstack"), "192.0.2.1");
    assert.equal(await bound("web"), "192.0.2.1");
    assert.equal(await bound("web", "2001:DB8::7"), "2001:db8::7");
    assert.equal(await bound("native"), undefined);
  },
))
  test(...t);

for (const t of onBoth("what cannot be bound is refused", async () => {
  await using control = await testControl();
  await control.node();
  const machine = await control.machine();
  const open = async (options: { extra?: string; callerAddress?: string }) =>
    await control.services.consoles.open(control.admin, { machineId: machine.id, api: "native", ...options });

  await assert.rejects(open({ callerAddress: "somewhere" }), { code: "request_invalid" });
  await assert.rejects(open({ callerAddress: "0300.1.2.3" }), { code: "request_invalid" });
  await assert.rejects(open({ extra: "" }), { code: "request_invalid" });
  await assert.rejects(open({ extra: "x".repeat(256) }), { code: "request_invalid" });
}))
  test(...t);

for (const t of onBoth(
  "a stopped machine has no console, and no session is left of the attempt",
  async () => {
    await using control = await testControl();
    await control.node();
    const machine = await control.machine();
    await control.services.machines.update(control.admin, machine.id, { state: "stopped" });

    const open = control.services.consoles.open(control.admin, { machineId: machine.id, api: "native" });

    await assert.rejects(open, { code: "machine_not_running" });
    assert.deepEqual(await control.services.sessions.list(control.admin, {}), { items: [] });
  },
))
  test(...t);

for (const t of onBoth("without a node that is up there is no console", async () => {
  await using control = await testControl();
  const machine = await control.machine();
  const open = async () =>
    await control.services.consoles.open(control.admin, { machineId: machine.id, api: "native" });

  await assert.rejects(open(), { code: "no_node_available" });
  const node = await control.node();
  await open();
  control.clock.advance(15_000);
  await assert.rejects(open(), { code: "no_node_available" });
  await control.link.registry.heartbeat(node.id, { incarnation: node.incarnation, sessions: 0 });
  await open();
  await control.link.registry.deregister(node.id, { incarnation: node.incarnation });
  await assert.rejects(open(), { code: "no_node_available" });
}))
  test(...t);

for (const t of onBoth("a burst fills each node to its limit and no further", async () => {
  await using control = await testControl();
  const [small, large] = [
    await control.node({ maximumSessions: 3 }),
    await control.node({ maximumSessions: 5 }),
  ];
  const machines = await Promise.all(Array.from({ length: 20 }, async () => await control.machine()));

  const results = await Promise.allSettled(
    machines.map(
      async ({ id: machineId }) =>
        await control.services.consoles.open(control.admin, { machineId, api: "native" }),
    ),
  );

  const refused = results.filter((result) => result.status === "rejected");
  assert.equal(refused.length, 12);
  for (const { reason } of refused) assert.equal(reason.code, "no_node_available");
  const { items } = await control.services.sessions.list(control.admin, {});
  assert.equal(items.filter((session) => session.nodeId === small.id).length, 3);
  assert.equal(items.filter((session) => session.nodeId === large.id).length, 5);
}))
  test(...t);

for (const t of onBoth("a machine goes back to the node that had its session just now", async () => {
  await using control = await testControl();
  const first = await control.node({ maximumSessions: 1 });
  const second = await control.node();
  const [other, machine] = [await control.machine(), await control.machine()];
  const open = async (machineId: string) => {
    const { sessionId } = await control.services.consoles.open(control.admin, { machineId, api: "native" });
    return await control.services.sessions.get(control.admin, sessionId);
  };
  const beat = async () => {
    for (const { id, incarnation } of [first, second])
      await control.link.registry.heartbeat(id, { incarnation, sessions: 0 });
  };
  const end = async (sessionId: string) =>
    await control.store.db
      .updateTable("sessions")
      .set({ state: "ended", redeemed_at: control.clock.now(), ended_at: control.clock.now() })
      .where("id", "=", sessionId)
      .execute();

  const filler = await open(other.id);
  const before = await open(machine.id);
  assert.deepEqual([filler.nodeId, before.nodeId], [first.id, second.id]);
  await end(filler.id);
  await end(before.id);

  control.clock.advance(5 * 60_000 - 1);
  await beat();
  const soon = await open(machine.id);
  assert.equal(soon.nodeId, second.id, "just before five minutes are over");
  await end(soon.id);
  // As soon as control has looked at its nodes again, and found that the first one has room.
  await eventually(async () => {
    control.clock.advance(5 * 60_000);
    await beat();
    const later = await open(machine.id);
    await end(later.id);
    assert.equal(later.nodeId, first.id, "five minutes later");
  });
}))
  test(...t);

for (const t of onBoth(
  "an account has a bounded number of links that nobody used, and gets more when these are over",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const machine = await control.machine();
    await control.services.settings.set(control.admin, "console.ticket.pending.max", "3");
    const member = await control.member("someone", ["default"]);
    const open = async (caller = control.admin) =>
      await control.services.consoles.open(caller, { machineId: machine.id, api: "native" });

    const [first] = [await open(), await open(), await open()];
    await assert.rejects(open(), { code: "rate_limited" });
    await open(member);

    const { incarnation } = node;
    const { sessionId } = first;
    await control.link.redeem(node.id, { incarnation, sessionId, attachment: 1, viewerAddress: "::1" });
    await open();
    await assert.rejects(open(), { code: "rate_limited" });

    control.clock.advance(60_000);
    await control.link.registry.heartbeat(node.id, { incarnation, sessions: 0 });
    await open();
  },
))
  test(...t);
