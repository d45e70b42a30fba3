import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import type { AuditRow } from "#wire/audit.ts";
import { testApi } from "../../../test/harness/api.ts";
import { type TestControl, testControl } from "../../../test/harness/control.ts";

const MINUTE_MS = 60_000;
const WEB = { address: "198.51.100.8", api: "web", reference: "ref-2" } as const;

test("what a member may not do is told with the code that it was refused with", async () => {
  await using control = await testControl();
  const member = { ...(await control.member("someone", [])), ...WEB };
  const { id } = await control.machine();
  const { services } = control;

  await assert.rejects(services.machines.remove(member, id), { code: "forbidden" });
  await assert.rejects(services.settings.set(member, "upstream.allow", ""), { code: "forbidden" });
  await assert.rejects(services.audit.list(member, {}), { code: "forbidden" });
  await assert.rejects(services.consoles.open(member, { machineId: id, api: "web" }), { code: "not_found" });

  const who = { ...WEB, accountId: member.accountId, account: "someone", apiKey: member.apiKey };
  const machine = { kind: "machine", id };
  assert.deepEqual(await refusals(control), [
    { ...who, action: "machine.remove", result: "forbidden", object: machine },
    {
      ...who,
      action: "setting.set",
      result: "forbidden",
      object: { kind: "setting", id: "upstream.allow" },
    },
    { ...who, action: "audit.list", result: "forbidden" },
    { ...who, action: "console.issue", result: "not_found", object: machine, detail: "machine" },
  ]);
});

test("a sign-in that fails is told, with the account where one was named, and never with what was tried", async () => {
  await using control = await testControl();
  const { accounts } = control.services;

  await assert.rejects(accounts.signIn("guess", WEB), { code: "sign_in_code_invalid" });
  await accounts.signInBySecret("admin", new Secret("guess"), WEB.address, WEB);
  await accounts.signInBySecret("a-secret-in-the-wrong-field", new Secret("guess"), WEB.address, WEB);

  const { accountId } = control.admin;
  const failed = { ...WEB, action: "sign-in" };
  assert.deepEqual(await refusals(control), [
    { ...failed, result: "sign_in_code_invalid" },
    { ...failed, result: "unauthenticated", accountId, account: "admin" },
    { ...failed, result: "unauthenticated" },
  ]);
});

test("a wrong secret at an API's door is told with the key it came with, and a key that is nobody's is not", async () => {
  await using api = await testApi();
  const { apiKey } = api.keys;

  for (const as of [
    { apiKey, secretKey: "guess" },
    { apiKey: "made-up", secretKey: "guess" },
  ])
    assert.equal((await api.call("GET", "/api/v1/machines", { as })).status, 401);

  const [known, unknown] = await refusals(api.control);
  assert.deepEqual(
    [known?.action, known?.result, known?.account, known?.apiKey],
    ["sign-in", "unauthenticated", "admin", apiKey],
  );
  assert.deepEqual([unknown?.account, unknown?.apiKey, unknown?.api], [undefined, undefined, "native"]);
  assert.equal(unknown?.address, "127.0.0.1");
});

test("a row names the request as its caller was told it", async () => {
  await using api = await testApi();
  const as = await api.member("someone", []);

  const { json } = await api.call("POST", "/api/v1/projects", { as, body: { name: "x" } });

  const { error } = json as { readonly error: { readonly reference: string } };
  const [row] = await refusals(api.control);
  assert.equal(row?.reference, error.reference);
});

test("a ticket that is shown twice, and one that there is not, are told as refused redemptions", async () => {
  await using control = await testControl();
  const { id: nodeId, incarnation } = await control.node();
  const { id: machineId } = await control.machine();
  const { sessionId } = await control.services.consoles.open(control.admin, { machineId, api: "native" });
  const redeem = async (id: string) =>
    await control.link.redeem(nodeId, { incarnation, sessionId: id, attachment: 1, viewerAddress: "::1" });
  await redeem(sessionId);

  await assert.rejects(redeem(sessionId), { code: "ticket_used" });
  await assert.rejects(redeem("nothing"), { code: "ticket_foreign" });

  const [used, foreign] = await refusals(control);
  assert.deepEqual(
    [used?.action, used?.result, used?.sessionId, used?.object?.id, used?.account],
    ["console.redeem", "ticket_used", sessionId, machineId, "admin"],
  );
  assert.deepEqual(
    [foreign?.result, foreign?.nodeId, foreign?.accountId],
    ["ticket_foreign", nodeId, undefined],
  );
});

test("whom a node has refused by itself is told like those whom control refuses, of its own sessions", async () => {
  await using control = await testControl();
  const [node, other] = [await control.node(), await control.node()];
  const { id: machineId } = await control.machine();
  const { sessionId } = await control.services.consoles.open(control.admin, { machineId, api: "native" });
  const at = Date.parse("2026-11-25T12:00:00Z");
  const refusal = { sessionId, code: "ticket_used", viewerAddress: "::ffff:198.51.100.7", at };

  await control.link.noteRefusals(node.id, [
    { ...refusal, code: "of a newer node" },
    refusal,
    { ...refusal, code: "ticket_expired", at: 9e15 },
  ]);
  await control.link.noteRefusals(other.id, [refusal]);

  const told = { action: "console.redeem", nodeId: node.id, address: "198.51.100.7", sessionId };
  const whose = { accountId: control.admin.accountId, account: "admin", api: "native" };
  const [used, expired, others] = await refusals(control);
  const object = { ...used?.object, id: machineId, kind: "machine" };
  assert.deepEqual(used, {
    ...told,
    ...whose,
    object,
    result: "ticket_used",
    detail: "by the node, 2026-11-25T12:00:00.000Z",
  });
  assert.equal(expired?.detail, "by the node, at no time that there is");
  assert.deepEqual([others?.nodeId, others?.accountId, others?.object?.id], [other.id, undefined, undefined]);
});

test("a node that may not join, and a credential that reopens nothing, are told", async () => {
  await using control = await testControl();

  await assert.rejects(control.link.join({ joinToken: "x.y", certificateRequest: "" }, "198.51.100.9"));
  await assert.rejects(control.link.reopen({ credential: "x", viewerAddress: "198.51.100.9" }));

  const from = { api: "link", address: "198.51.100.9" };
  assert.deepEqual(await refusals(control), [
    { ...from, action: "node.join", result: "join_token_invalid" },
    { ...from, action: "console.reopen", result: "reopen_invalid" },
  ]);
});

test("a flood from strangers is written down as far as a minute's bound, and counted beyond it", async () => {
  await using control = await testControl();
  const { accounts } = control.services;
  const guess = async () => await assert.rejects(accounts.signIn("guess", WEB));

  for (let count = 0; count < 200; count++) await guess();

  assert.equal((await refusals(control)).length, 30);
  assert.equal(control.audit.counters.omitted, 170);
  control.clock.advance(MINUTE_MS);
  await control.audit.recordOmitted();
  await control.audit.recordOmitted();
  const rows = (await control.services.audit.list(control.admin, { action: "refusals.omitted" })).items;
  assert.deepEqual(
    rows.map(({ result, detail }) => [result, detail]),
    [["ok", "170"]],
  );
  await guess();
  assert.equal((await refusals(control)).length, 31);
});

test("one account's flood leaves room for another's refusals, and for those of strangers", async () => {
  await using control = await testControl();
  const [loud, quiet] = [await control.member("loud", []), await control.member("quiet", [])];
  const { projects, accounts } = control.services;
  const refused = { code: "forbidden" };

  for (let count = 0; count < 100; count++) await assert.rejects(projects.add(loud, { name: "x" }), refused);
  await assert.rejects(projects.add(quiet, { name: "x" }), refused);
  await assert.rejects(accounts.signIn("guess", WEB));

  const rows = await refusals(control);
  assert.equal(rows.filter(({ account }) => account === "loud").length, 60);
  assert.equal(rows.filter(({ account }) => account === "quiet").length, 1);
  assert.equal(rows.filter(({ action }) => action === "sign-in").length, 1);
});

test("failed sign-ins of every name count together, so that what is written tells nobody who has an account", async () => {
  await using control = await testControl();
  const { accounts } = control.services;
  for (let count = 0; count < 40; count++)
    await accounts.signInBySecret("nobody", new Secret("guess"), WEB.address, WEB);
  const before = (await refusals(control)).length;

  await accounts.signInBySecret("admin", new Secret("guess"), WEB.address, WEB);

  assert.equal(before, 30);
  assert.equal((await refusals(control)).length, before);
});

test("a refusal stands when it cannot be written down, and that is counted", async () => {
  await using control = await testControl();
  const member = await control.member("someone", []);
  await control.store.db.schema.dropTable("audit").execute();

  await assert.rejects(control.services.projects.add(member, { name: "x" }), { code: "forbidden" });

  assert.equal(control.audit.counters.failed, 1);
  assert.equal(control.audit.counters.writing, 0);
});

test("of pictures only what was refused for want of a right is told", async () => {
  await using control = await testControl();
  const member = await control.member("someone", []);
  const { id: machineId } = await control.machine();
  const { consoles } = control.services;
  const picture = { machineId, api: "cloudstack", purpose: "thumbnail" } as const;

  await assert.rejects(consoles.open(control.admin, picture), { code: "no_node_available" });
  await assert.rejects(consoles.open(member, picture), { code: "forbidden" });

  assert.deepEqual(
    (await refusals(control)).map(({ action, result, account }) => [action, result, account]),
    [["thumbnail.issue", "forbidden", "someone"]],
  );
});

test("what fails because the database is away waits for it no second time, and is counted", async () => {
  await using control = await testControl();

  await control.audit.recordRefusal({ action: "console.issue", by: {} }, { code: "database_unavailable" });

  assert.equal(control.audit.counters.failed, 1);
  assert.deepEqual(await refusals(control), []);
});

/** What was refused, the oldest first, without ids and times. */
async function refusals({ services, admin }: TestControl): Promise<readonly Partial<AuditRow>[]> {
  const { items } = await services.audit.list(admin, { limit: 500 });
  return items
    .toReversed()
    .filter(({ result }) => result !== "ok")
    .map(({ id: _id, at: _at, ...row }) => row);
}
