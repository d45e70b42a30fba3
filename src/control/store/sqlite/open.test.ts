import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { sql } from "kysely";
import { systemClock } from "#base/clock.ts";
import { storeConformance } from "../../../../test/conformance/store.ts";
import { scratch } from "../../../../test/harness/scratch.ts";
import { prepare, TEXT } from "../prepared.ts";
import type { Queries } from "../store.ts";
import { openSqliteStore } from "./open.ts";

storeConformance("SQLite", async (clock) => {
  const folder = scratch();
  const store = await openSqliteStore(join(folder.path, "test.db"), clock);
  return {
    store,
    async [Symbol.asyncDispose]() {
      await store.close();
      await folder[Symbol.asyncDispose]();
    },
  };
});

test("the database is written ahead and through, obeys foreign keys, and waits for locks", async () => {
  await using folder = scratch();
  const store = await openSqliteStore(join(folder.path, "test.db"), systemClock);

  const pragma = async (name: string) => {
    const { rows } = await sql.raw<Record<string, unknown>>(`pragma ${name}`).execute(store.db);
    return Object.values(rows[0] ?? {})[0];
  };

  assert.equal(await pragma("journal_mode"), "wal");
  assert.equal(await pragma("synchronous"), 2, "full");
  assert.equal(await pragma("foreign_keys"), 1);
  assert.equal(await pragma("busy_timeout"), 5000);
  await store.close();
});

test("no file of the database can be read by others", async () => {
  await using folder = scratch();
  const store = await openSqliteStore(join(folder.path, "test.db"), systemClock);

  const modes = readdirSync(folder.path).map((name) => [
    name,
    statSync(join(folder.path, name)).mode & 0o777,
  ]);

  assert.deepEqual(modes.sort(), [
    ["test.db", 0o600],
    ["test.db-shm", 0o600],
    ["test.db-wal", 0o600],
    ["test.db.lock", 0o600],
  ]);
  await store.close();
});

test("what was written is there when the database is opened again", async () => {
  await using folder = scratch();
  const file = join(folder.path, "test.db");
  const first = await openSqliteStore(file, systemClock);
  await first.db.insertInto("settings").values({ name: "n", value: "v" }).execute();
  await first.close();

  const second = await openSqliteStore(file, systemClock);
  const row = await second.db.selectFrom("settings").selectAll().executeTakeFirst();
  await second.close();

  assert.deepEqual({ ...row }, { name: "n", value: "v" });
});

test("a database has one user at a time, and is free again after", async () => {
  await using folder = scratch();
  const file = join(folder.path, "test.db");
  const first = await openSqliteStore(file, systemClock);

  await assert.rejects(openSqliteStore(file, systemClock), /another process uses the database/);
  await first.close();

  await (await openSqliteStore(file, systemClock)).close();
});

test("what a transaction has written is seen by itself at once, and by others when it is on disk", async () => {
  await using folder = scratch();
  const { db, close } = await openSqliteStore(join(folder.path, "test.db"), systemClock);
  const names = async (queries: Queries) =>
    (await queries.selectFrom("settings").select("name").execute()).map(({ name }) => name);

  await db.transaction().execute(async (transaction) => {
    await transaction.insertInto("settings").values({ name: "n", value: "v" }).execute();

    assert.deepEqual(await names(transaction), ["n"]);
    assert.deepEqual(await names(db), []);
  });

  assert.deepEqual(await names(db), ["n"]);
  await close();
});

test("a read sees what was committed before it, and nothing of what is about to be", async () => {
  await using folder = scratch();
  const { db, close } = await openSqliteStore(join(folder.path, "test.db"), systemClock);
  const names = async () =>
    (await db.selectFrom("settings").select("name").execute()).map(({ name }) => name);

  for (let number = 0; number < 20; number++) {
    const before = Array.from({ length: number }, (_, index) => `n${index}`);
    const writing = db
      .insertInto("settings")
      .values({ name: `n${number}`, value: "v" })
      .execute();
    // Far enough for the batch to be open, and not for it to be committed: that takes a turn of the event loop.
    for (let step = 0; step < 3 * number; step++) await Promise.resolve();
    assert.deepEqual((await names()).sort(), before.sort());
    await writing;
    assert.deepEqual((await names()).sort(), [...before, `n${number}`].sort());
  }
  await close();
});

test("a statement of a transaction that is over is refused, and does not run outside of it", async () => {
  await using folder = scratch();
  const store = await openSqliteStore(join(folder.path, "test.db"), systemClock);
  const insert = prepare(store, { name: TEXT }, (db, { name }) =>
    db.insertInto("settings").values({ name, value: "v" }),
  );
  const kept = await store.db.transaction().execute(async (transaction) => {
    await insert(transaction, { name: "inside" });
    return transaction;
  });

  await assert.rejects(insert(kept, { name: "outside" }));

  const rows = await store.db.selectFrom("settings").select("name").execute();
  assert.deepEqual(
    rows.map(({ name }) => name),
    ["inside"],
  );
  await store.close();
});

test("a database of a newer version that this one cannot work with is refused, and stays as it was", async () => {
  await using folder = scratch();
  const file = join(folder.path, "test.db");
  const newer = await openSqliteStore(file, systemClock);
  await sql`insert into kysely_migration (name, timestamp) values ('9999-from-the-future', 'then')`.execute(
    newer.db,
  );
  await newer.db.updateTable("compatibility").set({ oldest: "9999-from-the-future" }).execute();
  await newer.close();

  for (const _attempt of [1, 2])
    await assert.rejects(openSqliteStore(file, systemClock), /9999-from-the-future/);
});

test("a file that is no database is refused", async () => {
  await using folder = scratch();

  await assert.rejects(openSqliteStore(folder.path, systemClock));
});
