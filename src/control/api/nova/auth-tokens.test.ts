import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { testApi } from "../../../../test/harness/api.ts";
import { faultOf, novaCall } from "../../../../test/harness/nova.ts";
import { onBoth } from "../../../../test/harness/test-database.ts";

async function world() {
  const api = await testApi();
  const node = await api.control.node();
  const machine = await api.control.machine({ address: "192.0.2.7:5901" });
  const open = async (machineId = machine.id) =>
    await api.control.services.consoles.open(api.control.admin, { machineId, api: "nova" });
  const show = async (token: string, more: { version?: string; as?: typeof api.keys; query?: string } = {}) =>
    await novaCall(api, "GET", `/v2.1/os-console-auth-tokens/${token}${more.query ?? ""}`, {
      version: "2.31",
      ...more,
    });
  return { api, node, machine, open, show };
}

for (const t of onBoth("administrators are told where an unused ticket leads, again and again", async () => {
  const { api, machine, open, show } = await world();
  await using _ = api;
  const { ticket } = await open();
  const wanted = {
    console: { instance_uuid: machine.id, host: "192.0.2.7", port: 5901, internal_access_path: null },
  };

  for (const version of ["2.31", "2.31", "2.99", "2.104"])
    assert.deepEqual((await show(ticket, { version })).json, wanted);
  assert.deepEqual((await show(ticket, { query: "?x=1" })).json, wanted);
  assert.match(
    faultOf(await show(ticket, { query: "?x=1", version: "2.99" }))[2],
    /Additional properties are not allowed \('x' was unexpected\)/,
  );
  assert.deepEqual(faultOf(await show(ticket, { version: "2.30" })), [
    400,
    "badRequest",
    "The requested console type details are not accessible",
  ]);
  const unix = await api.control.machine({ address: "unix:/run/vnc.sock" });
  assert.deepEqual((await show((await open(unix.id)).ticket)).json, {
    console: { instance_uuid: unix.id, host: null, port: null, internal_access_path: null },
  });
}))
  test(...t);

for (const t of onBoth("a ticket for a serial line leads to that line, and not to the screen", async () => {
  const { api, show } = await world();
  await using _ = api;
  const line = await api.control.machine({ address: "192.0.2.7:5901", serialAddress: "192.0.2.7:4001" });
  const { ticket } = await api.control.services.consoles.open(api.control.admin, {
    ...({ machineId: line.id, api: "nova", protocol: "serial" } as const),
  });

  assert.deepEqual((await show(ticket)).json, {
    console: { instance_uuid: line.id, host: "192.0.2.7", port: 4001, internal_access_path: null },
  });
}))
  test(...t);

for (const t of onBoth(
  "a ticket that is used, too old, altered or none is not found, and members are told nothing",
  async () => {
    const { api, node, open, show } = await world();
    await using _ = api;
    const { ticket, sessionId } = await open();
    const { ticket: stale } = await open();
    const { ticket: left } = await open();
    const notFound = [404, "itemNotFound", "Token not found"];
    const member = await api.member("member", []);

    for (const token of ["x", randomUUID(), `${ticket.slice(0, -6)}AAAAAA`, "a".repeat(2000)])
      assert.deepEqual(faultOf(await show(token)), notFound, token);
    assert.deepEqual(faultOf(await show(ticket, { as: member })), [
      403,
      "forbidden",
      "Policy doesn't allow os_compute_api:os-console-auth-tokens to be performed.",
    ]);
    const redeeming = { incarnation: node.incarnation, sessionId, attachment: 1, viewerAddress: "192.0.2.9" };
    await api.control.link.redeem(node.id, redeeming);
    assert.deepEqual(faultOf(await show(ticket)), notFound);
    assert.equal((await show(stale)).status, 200);
    api.control.clock.advance(600_001);
    assert.deepEqual(faultOf(await show(stale)), notFound);
    assert.deepEqual(faultOf(await show(left)), notFound);
    assert.ok(!api.log().includes(ticket), "no ticket stands in the log");
  },
))
  test(...t);

for (const t of onBoth(
  "a ticket leads nowhere any more once its machine is stopped or gone, or whoever has it may not open it",
  async () => {
    const { api, show } = await world();
    await using _ = api;
    const { admin, services, machine } = api.control;
    const { id: project } = await services.projects.add(admin, { name: "theirs" });
    const customer = await api.control.member("customer", [project]);
    const openAs = async (caller: typeof admin) => {
      const { id } = await machine({ project });
      const { ticket } = await services.consoles.open(caller, { machineId: id, api: "nova" });
      assert.equal((await show(ticket)).status, 200);
      return { id, ticket };
    };
    const [stopped, gone, theirs] = [await openAs(admin), await openAs(admin), await openAs(customer)];

    await services.machines.update(admin, stopped.id, { state: "stopped" });
    await services.machines.remove(admin, gone.id);
    await services.accounts.update(admin, customer.accountId, { projects: [] });

    for (const { ticket } of [stopped, gone, theirs])
      assert.deepEqual(faultOf(await show(ticket)), [404, "itemNotFound", "Token not found"]);
  },
))
  test(...t);
