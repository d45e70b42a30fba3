import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { pino } from "pino";
import { AUDIT_ACTION_NAMES, type AuditRow } from "#wire/audit.ts";
import {
  createWorld,
  issue,
  KINDS,
  redemption,
  report,
  VIEWER,
  WEB,
} from "../../../test/harness/audit-kinds.ts";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { lackingPostgres } from "../../../test/harness/postgres.ts";
import { createDatabase } from "../../../test/harness/shared-postgres.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { createTicketSweep } from "../sessions/session-sweeps.ts";
import { openPostgresStore } from "../store/postgres/open.ts";

for (const [action, kind] of Object.entries(KINDS)) {
  for (const t of onBoth(
    `${action}: what was done is told with who, what, from where and what came of it, and nothing else`,
    async () => {
      await using control = await testControl();
      const world = await createWorld(control);
      const { act, row } = await kind(world);
      const before = await rowsOf(control);

      const result = await act();

      const [newest, ...others] = (await rowsOf(control)).slice(before.length);
      const { id, at, sessionId, ...said } = newest ?? assert.fail("there is no row");
      const { sessionId: expectedSession, ...expected } = row(result);
      assert.deepEqual(said, { action, result: "ok", ...expected });
      if (action !== "console.reopen") assert.equal(sessionId, expectedSession);
      assert.equal(Date.parse(at), control.clock.now());
      assert.match(id, /^[0-9a-f-]{36}$/);
      assert.deepEqual(others, []);
    },
  ))
    test(...t);

  for (const t of onBoth(`${action}: what is rolled back leaves no row that tells of it`, async () => {
    await using control = await testControl();
    const world = await createWorld(control);
    const { act } = await kind(world);
    const [before, rows] = [await everythingElse(control), await rowsOf(control)];
    const [record, recordEndings] = [control.audit.record, control.audit.recordEndings].map((method) =>
      method.bind(control.audit),
    ) as unknown as [typeof control.audit.record, typeof control.audit.recordEndings];
    const recordWith = control.audit.recordWith.bind(control.audit);
    const broken = new Error("the disk is full");
    // Of a statement that writes both, the row is what the database refuses.
    control.audit.recordWith = async (db, entry, write) => {
      try {
        return await recordWith(db, entry, async (row) => await write({ ...row, id: null as never }));
      } catch {
        throw broken;
      }
    };
    control.audit.record = async (...args) => {
      await record(...args);
      throw broken;
    };
    control.audit.recordEndings = async (...args) => {
      await recordEndings(...args);
      throw broken;
    };

    await assert.rejects(act(), broken);

    assert.deepEqual(
      (await rowsOf(control)).slice(rows.length).filter(({ result }) => result === "ok"),
      [],
    );
    assert.deepEqual(await everythingElse(control), before);
  }))
    test(...t);
}

test("every action of the list is one of those that are told, or of those that are only refused", () => {
  const onlyRefused = ["audit.list", "machine.password", "node.connect", "refusals.omitted"];

  assert.deepEqual([...Object.keys(KINDS), ...onlyRefused].sort(), [...AUDIT_ACTION_NAMES].sort());
});

for (const t of onBoth(
  "a session that fails is told with the reason, and one that nobody opened with its ticket's end",
  async () => {
    await using control = await testControl();
    const world = await createWorld(control);
    const [failed, unused] = [await issue(world), await issue(world)];
    await control.link.redeem(world.node.id, redemption(world.node, failed));

    await report(world, failed, { kind: "failed", code: "upstream_lost", detail: "reset" });
    await report(world, failed, { kind: "closed", code: "viewer_closed" });
    control.clock.advance(2 * 60_000);
    await createTicketSweep(control)();

    const ends = (await rowsOf(control)).filter(({ action }) => action === "console.end");
    assert.deepEqual(
      ends.map(({ sessionId, result, detail, address }) => [sessionId, result, detail, address]),
      [
        [failed, "upstream_lost", "reset", VIEWER],
        [unused, "ticket_expired", undefined, undefined],
      ],
    );
  },
))
  test(...t);

test("no row holds a code, a cookie, a key's secret, a password, a ticket or a credential", async () => {
  await using control = await testControl();
  const world = await createWorld(control);
  const { services } = control;
  const link = await services.accounts.signInLink(world.admin);
  const code = new URL(link.url).hash.slice("#code=".length);
  const { cookie } = await services.accounts.signIn(code, WEB);
  const key = await services.accounts.addApiKey(world.admin, world.someone.id);
  await services.machines.update(world.admin, world.machine.id, { password: "hunter22" });
  const { token } = await services.nodes.addJoinToken(world.admin, {});
  const issued = await services.consoles.open(world.admin, {
    machineId: world.machine.id,
    api: "native",
    extra: "spice",
  });
  const { reopen } = await control.link.redeem(world.node.id, redemption(world.node, issued.sessionId));
  await assert.rejects(services.accounts.signIn(code.replace(/./, "x"), WEB));
  await services.accounts.noteRefusedKey(key.secretKey, WEB);

  const log = JSON.stringify(await control.store.db.selectFrom("audit").selectAll().execute());

  const secrets = [code, cookie.expose(), key.secretKey, "hunter22", token, issued.ticket, "spice", reopen];
  for (const secret of secrets) assert.ok(!log.includes(secret), secret);
});

for (const t of onBoth("rows cannot be changed, not even by a statement of our own", async () => {
  await using control = await testControl();
  await control.node();

  const change = control.store.db.updateTable("audit").set({ result: "ok" }).execute();

  await assert.rejects(change, /never changed/);
}))
  test(...t);

test("the log of a PostgreSQL is not emptied at one stroke", { skip: lackingPostgres }, async () => {
  await using database = await createDatabase();
  const store = await openPostgresStore({ url: database.url, log: pino({ level: "silent" }) });
  try {
    await assert.rejects(sql`truncate audit`.execute(store.db), /never emptied/);
  } finally {
    await store.close();
  }
});

/** The oldest first. */
async function rowsOf({ services, admin }: TestControl): Promise<readonly AuditRow[]> {
  return (await services.audit.list(admin, { limit: 500 })).items.toReversed();
}

async function everythingElse({ store: { db } }: TestControl): Promise<unknown> {
  return [
    await db.selectFrom("accounts").selectAll().execute(),
    await db.selectFrom("api_keys").selectAll().execute(),
    await db.selectFrom("sign_in_codes").selectAll().execute(),
    await db.selectFrom("web_sessions").selectAll().execute(),
    await db.selectFrom("memberships").selectAll().execute(),
    await db.selectFrom("projects").selectAll().execute(),
    await db.selectFrom("machines").selectAll().execute(),
    await db.selectFrom("settings").selectAll().execute(),
    await db.selectFrom("join_tokens").selectAll().execute(),
    await db.selectFrom("nodes").selectAll().execute(),
    await db.selectFrom("sessions").selectAll().execute(),
    await db.selectFrom("public_ip_ranges").selectAll().execute(),
    await db.selectFrom("hypervisors").selectAll().execute(),
  ];
}
