import assert from "node:assert/strict";
import { test } from "node:test";
import { CompiledQuery } from "kysely";
import type { AuditRow } from "#wire/audit.ts";
import { testApi } from "../../../test/harness/api.ts";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { auditQuery } from "./audit-list.ts";
import { createAuditSweep } from "./sweep.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

test("the log is read page by page, the newest first, and each row once", async () => {
  await using control = await testControl();
  for (let count = 0; count < 5; count++) await addProject(control, `p${count}`);
  const { audit } = control.services;

  const first = await audit.list(control.admin, { limit: 2 });
  const second = await audit.list(control.admin, { limit: 2, after: first.next });
  const third = await audit.list(control.admin, { limit: 2, after: second.next });

  const names = [first, second, third].map(({ items }) => items.map(({ object }) => object?.name));
  assert.deepEqual(names, [["p4", "p3"], ["p2", "p1"], ["p0"]]);
  assert.equal(third.next, undefined);
});

for (const t of onBoth("rows are found by account, by what was done to what, and by time", async () => {
  await using control = await testControl();
  const { services, admin } = control;
  const id = await addProject(control, "early");
  const from = control.clock.now();
  control.clock.advance(1000);
  const other = await services.accounts.add(admin, { name: "other", role: "admin" });
  const { apiKey } = await services.accounts.addApiKey(admin, other.id);
  const caller = (await services.accounts.byApiKey(apiKey, "::1"))?.caller ?? assert.fail();
  await services.projects.remove(caller, id);
  const find = async (filter: Parameters<typeof services.audit.list>[1]) =>
    (await services.audit.list(admin, filter)).items.map(({ action }) => action);

  assert.deepEqual(await find({ object: id }), ["project.remove", "project.add"]);
  assert.deepEqual(await find({ accountId: other.id }), ["project.remove"]);
  assert.deepEqual(await find({ action: "project.add" }), ["project.add"]);
  assert.deepEqual(await find({ action: "project.add", accountId: other.id }), []);
  assert.deepEqual(await find({ to: from }), ["project.add"]);
  assert.deepEqual(await find({ from: from + 1 }), ["project.remove", "api-key.add", "account.add"]);
  assert.deepEqual(await find({ from, to: from }), ["project.add"]);
  await assert.rejects(find({ from: 2 ** 50 }), { code: "request_invalid" });
}))
  test(...t);

const PLANS: readonly [filter: Parameters<typeof auditQuery>[1], index: RegExp][] = [
  [{}, /USING INDEX sqlite_autoindex_audit_1/],
  [{ from: "a", to: "b" }, /sqlite_autoindex_audit_1 \(id>\? AND id<\?\)/],
  [{ action: "console.issue" }, /USING INDEX sqlite_autoindex_audit_1/],
  [{ action: "setting.set" }, /audit_rare_by_action \(action=\?/],
  [{ accountId: "a" }, /audit_by_account \(account_id=\?/],
  [{ accountId: "a", from: "a" }, /audit_by_account \(account_id=\? AND id>\?/],
  [{ object: "m" }, /audit_by_object \(object_id=\?/],
  [{ object: "m", action: "console.end", to: "b" }, /audit_by_object \(object_id=\? AND id<\?/],
];

for (const [filter, index] of PLANS)
  test(`a list by ${JSON.stringify(filter)} comes off an index, in its order`, async () => {
    await using control = await testControl();
    const { db } = control.store;
    const { sql, parameters } = auditQuery(db, filter).orderBy("id", "desc").limit(101).compile();

    const { rows } = await db.executeQuery<{ detail: string }>(
      CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]),
    );

    const plan = rows.map(({ detail }) => detail).join("; ");
    assert.match(plan, index);
    assert.doesNotMatch(plan, /TEMP B-TREE/);
  });

for (const t of onBoth(
  "an export is every row there is, the oldest first, and ends with the one that tells of it",
  async () => {
    await using control = await testControl();
    const names = Array.from({ length: 1203 }, (_, index) => `p${String(index).padStart(4, "0")}`);
    await control.store.db.transaction().execute(async (db) => {
      for (const name of names)
        await control.audit.record(db, { action: "project.add", by: {}, object: { kind: "project", name } });
    });

    const sizes: number[] = [];
    const rows: AuditRow[] = [];
    for await (const piece of await control.services.audit.export(control.admin, {})) {
      sizes.push(piece.length);
      rows.push(...piece);
      // What happens meanwhile is for the next export.
      await addProject(control, `meanwhile ${sizes.length}`);
    }

    assert.deepEqual(sizes, [500, 500, 204]);
    assert.deepEqual(
      rows.map(({ object }) => object?.name),
      [...names, undefined],
    );
    assert.equal(rows.at(-1)?.action, "audit.export");
  },
))
  test(...t);

test("the API streams an export as JSON lines, and gives members nothing", async () => {
  await using api = await testApi();
  const member = await api.member("someone", []);

  const { headers, text } = await api.call("GET", "/api/v1/audit/export?action=account.add", {
    as: api.keys,
  });
  const refused = await api.call("GET", "/api/v1/audit/export", { as: member });

  assert.equal(headers.get("content-type"), "application/x-ndjson; charset=utf-8");
  const rows = text.trimEnd().split("\n");
  assert.equal(rows.length, 1);
  assert.deepEqual((JSON.parse(rows[0] ?? "") as AuditRow).object?.name, "someone");
  assert.equal(refused.status, 403);
});

test("an export that nobody reads is not read ahead of", async () => {
  await using control = await testControl();
  await control.store.db.transaction().execute(async (db) => {
    for (let count = 0; count < 1100; count++) await control.audit.record(db, { action: "sign-out", by: {} });
  });
  const pieces = (await control.services.audit.export(control.admin, {}))[Symbol.asyncIterator]();

  const { value: first } = await pieces.next();
  // Of what was not asked for nothing was read: it is not there any more when it is.
  await control.store.db.deleteFrom("audit").execute();

  assert.equal(first?.length, 500);
  assert.equal((await pieces.next()).done, true);
});

for (const t of onBoth(
  "rows go when they are older than the setting says, the oldest first and bit by bit",
  async () => {
    await using control = await testControl();
    const { services, admin, clock } = control;
    await services.settings.set(admin, "audit.retention.days", "30");
    await addProject(control, "old");
    clock.advance(30 * DAY_MS);
    await addProject(control, "young");
    const sweep = createAuditSweep(control);

    assert.equal(await sweep(), 0);
    clock.advance(1000);
    assert.equal(await sweep(), 2);

    const { items } = await services.audit.list(admin, {});
    assert.deepEqual(
      items.map(({ object }) => object?.name),
      ["young"],
    );
  },
))
  test(...t);

test("of many rows that are old all go at once, however many a statement takes", async () => {
  await using control = await testControl();
  await control.services.settings.set(control.admin, "audit.retention.days", "30");
  await control.store.db.transaction().execute(async (db) => {
    for (let count = 0; count < 12_000; count++)
      await control.audit.record(db, { action: "sign-out", by: {} });
  });
  control.clock.advance(31 * DAY_MS);

  assert.equal(await createAuditSweep(control)(), 12_001);
});

test("with a retention of 0 days every row stays", async () => {
  await using control = await testControl();
  await control.services.settings.set(control.admin, "audit.retention.days", "0");
  control.clock.advance(40_000 * DAY_MS);

  assert.equal(await createAuditSweep(control)(), 0);
  assert.equal((await control.services.audit.list(control.admin, {})).items.length, 1);
});

test("of the pictures that a dashboard asks for, one row in an hour tells for each account and machine", async () => {
  await using control = await testControl();
  const { id: nodeId, incarnation } = await control.node();
  const [one, two] = [await control.machine(), await control.machine()];
  const { consoles, audit } = control.services;
  const look = async (machineId: string) =>
    await consoles.open(control.admin, { machineId, api: "cloudstack", purpose: "thumbnail" });

  for (let count = 0; count < 5; count++) for (const { id } of [one, two]) await look(id);
  const count = async () => (await audit.list(control.admin, { action: "thumbnail.issue" })).items.length;

  assert.equal(await count(), 2);
  control.clock.advance(60 * 60_000);
  await control.link.registry.heartbeat(nodeId, { incarnation, sessions: 0 });
  for (let again = 0; again < 5; again++) await look(one.id);
  assert.equal(await count(), 3);
});

/** Resolves to its id. */
async function addProject({ services, admin }: TestControl, name: string): Promise<string> {
  return (await services.projects.add(admin, { name })).id;
}
