import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { GatewayError } from "#wire/gateway-error.ts";
import { testControl } from "../../test/harness/control.ts";
import { HYPERVISOR_RIGHTS } from "../../test/harness/hypervisor-rights.ts";
import { KEYSTONE_RIGHTS } from "../../test/harness/keystone-rights.ts";
import { administrators, createWorld, everybody, type Right } from "../../test/harness/rights-world.ts";
import { testCertificate } from "../../test/harness/test-certificates.ts";

/** Every method that takes a caller, and what comes of it for whom. In this order, in one world. */
const MATRIX: readonly Right[] = [
  [
    "accounts.add",
    ({ services }, caller) => services.accounts.add(caller, { name: "x", role: "admin" }),
    administrators(),
  ],
  ["accounts.list", ({ services }, caller) => services.accounts.list(caller, {}), administrators()],
  [
    "accounts.get of oneself",
    ({ services }, caller) => services.accounts.get(caller, caller.accountId),
    everybody(),
  ],
  [
    "accounts.get of another",
    ({ services, insider }, caller) => services.accounts.get(caller, insider.accountId),
    { admin: "ok", insider: "ok", outsider: "not_found" },
  ],
  [
    "accounts.get of nobody",
    ({ services }, caller) => services.accounts.get(caller, "nobody"),
    { admin: "not_found", insider: "not_found", outsider: "not_found" },
  ],
  [
    "accounts.update",
    ({ services, insider }, caller) =>
      services.accounts.update(caller, insider.accountId, { disabled: true }),
    administrators(),
  ],
  [
    "accounts.remove",
    ({ services, insider }, caller) => services.accounts.remove(caller, insider.accountId),
    administrators(),
  ],
  [
    "accounts.addApiKey for oneself",
    ({ services }, caller) => services.accounts.addApiKey(caller, caller.accountId),
    administrators(),
  ],
  [
    "accounts.listApiKeys of oneself",
    ({ services }, caller) => services.accounts.listApiKeys(caller, caller.accountId),
    administrators(),
  ],
  [
    "accounts.removeApiKey",
    async ({ services, admin, insider }, caller) => {
      const { apiKey } = await services.accounts.addApiKey(admin, insider.accountId);
      await services.accounts.removeApiKey(caller, insider.accountId, apiKey);
    },
    administrators(),
  ],
  [
    "accounts.signInLink for oneself",
    ({ services }, caller) => services.accounts.signInLink(caller),
    everybody(),
  ],
  [
    "accounts.signInLink for another",
    ({ services, insider }, caller) => services.accounts.signInLink(caller, insider.accountId),
    { admin: "ok", insider: "ok", outsider: "not_found" },
  ],
  ["accounts.issueToken", ({ services }, caller) => services.accounts.issueToken(caller, {}), everybody()],
  [
    "accounts.issueToken for a project",
    ({ services, projectId: project }, caller) => services.accounts.issueToken(caller, { project }),
    { admin: "ok", insider: "ok", outsider: "not_found" },
  ],
  [
    "accounts.revokeToken",
    async ({ services, insider }, caller) => {
      const token = await services.accounts.issueToken(insider, {});
      await services.accounts.revokeToken(caller, token.expose());
    },
    { admin: "ok", insider: "ok", outsider: "not_found" },
  ],
  ["projects.add", ({ services }, caller) => services.projects.add(caller, { name: "x" }), administrators()],
  ["projects.list", ({ services }, caller) => services.projects.list(caller, {}), everybody()],
  [
    "projects.remove",
    async ({ services, admin }, caller) => {
      const { id } = await services.projects.add(admin, { name: randomUUID() });
      await services.projects.remove(caller, id);
    },
    administrators(),
  ],
  [
    "machines.add",
    ({ services, projectId: project }, caller) =>
      services.machines.add(caller, { name: "x", protocol: "rfb", address: "h:1", project }),
    administrators(),
  ],
  ["machines.list", ({ services }, caller) => services.machines.list(caller, {}), everybody()],
  [
    "machines.get",
    ({ services, machineId }, caller) => services.machines.get(caller, machineId),
    { admin: "ok", insider: "ok", outsider: "not_found" },
  ],
  [
    "machines.search",
    ({ services }, caller) => services.machines.search(caller, {}, { first: 0, size: 10 }),
    everybody(),
  ],
  [
    "machines.hasPassword",
    ({ services, machineId }, caller) => services.machines.hasPassword(caller, machineId, "x"),
    { admin: "ok", insider: "ok", outsider: "not_found" },
  ],
  [
    "machines.update",
    ({ services, machineId }, caller) => services.machines.update(caller, machineId, { state: "stopped" }),
    administrators(),
  ],
  [
    "machines.remove",
    ({ services, machineId }, caller) => services.machines.remove(caller, machineId),
    administrators(),
  ],
  [
    "consoles.open",
    ({ services, machineId }, caller) => services.consoles.open(caller, { machineId, api: "native" }),
    { admin: "ok", insider: "ok", outsider: "not_found" },
  ],
  [
    "consoles.open of no machine",
    ({ services }, caller) => services.consoles.open(caller, { machineId: "nothing", api: "native" }),
    { admin: "not_found", insider: "not_found", outsider: "not_found" },
  ],
  [
    "consoleOutputs.read",
    // Its machine has no serial line, which only those are told who may open one.
    async ({ services, machineId }, caller) => {
      const told = await services.consoleOutputs.read(caller, machineId).catch((error: unknown) => error);
      if (!(told instanceof GatewayError && told.code === "console_unavailable")) throw told;
    },
    { admin: "ok", insider: "ok", outsider: "not_found" },
  ],
  [
    "tickets.whereTo",
    async ({ services, insider, machineId }, caller) => {
      const { ticket } = await services.consoles.open(insider, { machineId, api: "nova" });
      await services.tickets.whereTo(caller, ticket);
    },
    administrators(),
  ],
  ["sessions.list", ({ services }, caller) => services.sessions.list(caller, {}), everybody()],
  [
    "sessions.search",
    ({ services }, caller) => services.sessions.search(caller, {}, { first: 0, size: 10 }),
    everybody(),
  ],
  [
    "sessions.get",
    ({ services, sessionId }, caller) => services.sessions.get(caller, sessionId),
    { admin: "ok", insider: "ok", outsider: "not_found" },
  ],
  [
    "sessions.end",
    ({ services, sessionId }, caller) => services.sessions.end(caller, sessionId),
    { admin: "ok", insider: "ok", outsider: "not_found" },
  ],
  ["settings.list", ({ services }, caller) => services.settings.list(caller), administrators()],
  [
    "settings.set",
    ({ services }, caller) => services.settings.set(caller, "upstream.allow", ""),
    administrators(),
  ],
  ["nodes.list", ({ services }, caller) => services.nodes.list(caller), administrators()],
  ["audit.list", ({ services }, caller) => services.audit.list(caller, {}), administrators()],
  ["audit.export", ({ services }, caller) => services.audit.export(caller, {}), administrators()],
  ["nodes.authority", ({ services }, caller) => services.nodes.authority(caller), administrators()],
  ["nodes.get", ({ services, nodeId }, caller) => services.nodes.get(caller, nodeId), administrators()],
  [
    "nodes.drain",
    ({ services, nodeId }, caller) => services.nodes.drain(caller, nodeId, { outcome: "stay" }),
    administrators(),
  ],
  ["nodes.start", ({ services, nodeId }, caller) => services.nodes.start(caller, nodeId), administrators()],
  [
    "nodeJobs.start",
    ({ services, nodeId }, caller) =>
      services.nodeJobs.start(caller, { command: "stop", nodeId, forced: false }),
    administrators(),
  ],
  [
    "nodeJobs.get",
    async ({ services, nodeId, admin }, caller) => {
      const { id } = await services.nodeJobs.start(admin, { command: "stop", nodeId, forced: false });
      await services.nodeJobs.get(caller, id);
    },
    administrators(),
  ],
  ["nodes.revoke", ({ services, nodeId }, caller) => services.nodes.revoke(caller, nodeId), administrators()],
  [
    "nodes.remove",
    async ({ services, nodeId, admin }, caller) => {
      if (caller === admin) await services.nodes.revoke(admin, nodeId);
      await services.nodes.remove(caller, nodeId);
    },
    administrators(),
  ],
  ["publicIpRanges.list", ({ services }, caller) => services.publicIpRanges.list(caller), administrators()],
  [
    "publicIpRanges.add",
    ({ services }, caller) => services.publicIpRanges.add(caller, { range: "203.0.113.7" }),
    administrators(),
  ],
  [
    "publicIpRanges.remove",
    async ({ services, admin }, caller) => {
      const [there] = await services.publicIpRanges.list(admin);
      const { id } = there ?? (await services.publicIpRanges.add(admin, { range: "203.0.113.7" }));
      await services.publicIpRanges.remove(caller, id);
    },
    administrators(),
  ],
  ...HYPERVISOR_RIGHTS,
  [
    "selfChecks.nodes",
    ({ services }, caller) => services.selfChecks.nodes(caller, { node: "nobody" }),
    { admin: "not_found", insider: "forbidden", outsider: "forbidden" },
  ],
  ["selfChecks.control", ({ services }, caller) => services.selfChecks.control(caller), administrators()],
  [
    "names.zone",
    async ({ services, admin }, caller) => {
      if (caller === admin) {
        await services.settings.set(admin, "consoleproxy.url.domain", "*.console.example");
        await services.settings.set(admin, "dns.name.servers", "ns1.console.example=192.0.2.53");
      }
      await services.names.zone(caller);
    },
    administrators(),
  ],
  ["certificates.list", ({ services }, caller) => services.certificates.list(caller), administrators()],
  [
    "certificates.uploadedAt",
    ({ services }, caller) => services.certificates.uploadedAt(caller, "nothing"),
    { admin: "not_found", insider: "forbidden", outsider: "forbidden" },
  ],
  [
    "certificates.upload",
    async ({ services }, caller) => {
      const { pem, keyPem } = await testCertificate({ names: ["node.example.com"] });
      await services.certificates.upload(caller, { certificate: pem, privateKey: keyPem });
    },
    administrators(),
  ],
  [
    "certificates.addPart",
    async ({ services }, caller) => {
      const { pem } = await testCertificate();
      await services.certificates.addPart(caller, { name: "root", sequence: 1, certificate: pem });
    },
    administrators(),
  ],
  [
    "certificates.remove",
    ({ services }, caller) => services.certificates.remove(caller, "nothing"),
    { admin: "not_found", insider: "forbidden", outsider: "forbidden" },
  ],
  ...KEYSTONE_RIGHTS,
  ["acme.show", ({ services }, caller) => services.acme.show(caller), administrators()],
  ["acme.configure", ({ services }, caller) => services.acme.configure(caller, {}), administrators()],
  [
    "acme.renew",
    async ({ services, admin }, caller) => {
      await services.acme.configure(admin, {});
      await services.acme.renew(caller);
    },
    administrators(),
  ],
  [
    "acme.disable",
    ({ services }, caller) => services.acme.disable(caller),
    { admin: "not_found", insider: "forbidden", outsider: "forbidden" },
  ],
  ["ticketKeys.list", ({ services }, caller) => services.ticketKeys.list(caller), administrators()],
  ["ticketKeys.rotate", ({ services }, caller) => services.ticketKeys.rotate(caller), administrators()],
  ["nodes.addJoinToken", ({ services }, caller) => services.nodes.addJoinToken(caller, {}), administrators()],
];

for (const [method, call, outcomes] of MATRIX) {
  test(`${method}: ${Object.entries(outcomes)
    .map(([who, outcome]) => `${who} ${outcome}`)
    .join(", ")}`, async () => {
    await using control = await testControl();
    const world = await createWorld(control);

    // What is refused changes nothing, so all meet the same world.
    for (const who of ["outsider", "insider", "admin"] as const) {
      const result = call(world, world[who]);

      if (outcomes[who] === "ok") await result;
      else await assert.rejects(result, { code: outcomes[who] }, who);
    }
  });
}

test("the matrix has every method but those that find out who the caller is", async () => {
  await using control = await testControl();
  const before = [
    ...["byApiKey", "byCookie", "bySecret", "byToken", "noteRefusedKey"],
    ...["signIn", "signInBySecret", "signOut", "callerOf", "publicUrl"],
  ];
  const named = new Set(MATRIX.map(([method]) => method.split(" ")[0]));

  for (const [service, methods] of Object.entries(control.services))
    for (const method of Object.keys(methods))
      assert.ok(before.includes(method) || named.has(`${service}.${method}`), `${service}.${method}`);
});

test("an outsider finds nothing of others, whatever it searches by", async () => {
  await using control = await testControl();
  const { services, insider, outsider, admin, machineId, projectId, sessionId } = await createWorld(control);
  const window = { first: 0, size: 10 };

  for (const filter of [{}, { ids: [machineId] }, { projectId }, { keywords: ["m"] }]) {
    assert.equal((await services.machines.search(outsider, filter, window)).count, 0);
    assert.equal((await services.machines.search(insider, filter, window)).count, 1);
  }
  for (const filter of [{}, { id: sessionId }, { accountId: insider.accountId }, { machineId }]) {
    assert.equal((await services.sessions.search(outsider, filter, window)).count, 0);
    assert.equal((await services.sessions.search(insider, filter, window)).count, 1);
    assert.equal((await services.sessions.search(admin, filter, window)).count, 1);
  }
});

test("an outsider's lists hold nothing of others, an insider's its own", async () => {
  await using control = await testControl();
  const { services, insider, outsider, admin } = await createWorld(control);

  for (const list of [services.machines.list, services.sessions.list, services.projects.list]) {
    assert.deepEqual((await list(outsider, {})).items.length, list === services.projects.list ? 1 : 0);
    assert.deepEqual((await list(insider, {})).items.length, 1);
  }
  assert.equal((await services.projects.list(outsider, {})).items[0]?.name, "default");
  assert.equal((await services.sessions.list(admin, {})).items.length, 1);
});

test("another member of the same project does not see whose consoles were opened, nor from where", async () => {
  await using control = await testControl();
  const { services, sessionId } = await createWorld(control);
  const colleague = await control.member("colleague", ["ours"]);

  assert.deepEqual(await services.sessions.list(colleague, {}), { items: [] });
  await assert.rejects(services.sessions.get(colleague, sessionId), { code: "not_found" });
});

test("only administrators see addresses of machines", async () => {
  await using control = await testControl();
  const { services, insider, machineId } = await createWorld(control);

  assert.equal((await services.machines.get(control.admin, machineId)).address, "192.0.2.10:5900");
  assert.ok(!("address" in (await services.machines.get(insider, machineId))));
  assert.ok(!JSON.stringify(await services.machines.list(insider, {})).includes("192.0.2.10"));
});
