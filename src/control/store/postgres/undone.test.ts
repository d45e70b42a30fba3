import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import pg from "pg";
import { pino } from "pino";
import { blocked } from "../../../../test/harness/blocked.ts";
import { type Database, lackingPostgres } from "../../../../test/harness/postgres.ts";
import { createDatabase } from "../../../../test/harness/shared-postgres.ts";
import type { Queries, Store } from "../store.ts";
import { openPostgresStore } from "./open.ts";

const log = pino({ level: "silent" });
const skip = lackingPostgres;

test("of transactions that wait for each other all come through, and what each does after it is done once", {
  skip,
}, async () => {
  await using opened = await open();
  const { store } = opened;
  const met = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const over = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let tries = 0;
  const done: string[] = [];
  const both = async (first: string, second: string, turn: number) => {
    const result = await store.db.transaction().execute(async (db) => {
      tries += 1;
      // Who is called off comes again behind the other one, or both might meet a second time.
      if (tries > 2) await over[1 - turn]?.promise;
      store.afterCommit(db, () => void done.push(first));
      await rename(db, first, `by ${first}`);
      met[turn]?.resolve();
      await met[1 - turn]?.promise;
      await rename(db, second, `by ${first} as well`);
      return first;
    });
    over[turn]?.resolve();
    return result;
  };

  const results = await Promise.all([both("a", "b", 0), both("b", "a", 1)]);

  assert.deepEqual(results, ["a", "b"]);
  assert.equal(tries, 3);
  assert.deepEqual(done.toSorted(), ["a", "b"]);
});

test("a statement by itself that was called off to end a deadlock is said again", { skip }, async () => {
  await using opened = await open();
  const { store, url } = opened;
  // It waits for longer, so that the other one is called off.
  await using other = await connect(url, "set deadlock_timeout = '10min'; begin");
  await other.client.query("update projects set name = 'b, by the other' where id = 'b'");

  const all = store.db.updateTable("projects").set({ created_at: 7 }).execute();
  await blocked(url, 1);
  await other.client.query("update projects set name = 'a, by the other' where id = 'a'");
  await other.client.query("commit");
  await all;

  const rows = await store.db.selectFrom("projects").select(["name", "created_at"]).orderBy("id").execute();
  assert.deepEqual(
    rows.map(({ name, created_at }) => `${name} ${created_at}`),
    ["a, by the other 7", "b, by the other 7"],
  );
});

test("what is called off over and over is told as unavailable, and the connection is good", {
  skip,
}, async () => {
  await using opened = await open();
  const { store } = opened;
  let tries = 0;

  const transaction = store.db.transaction().execute(async (db) => {
    tries += 1;
    await rename(db, "a", "never");
    await sql`do $$ begin raise exception 'called off' using errcode = '40001'; end $$`.execute(db);
  });

  await assert.rejects(transaction, { code: "database_unavailable" });
  assert.equal(tries, 5);
  const row = await store.db.selectFrom("projects").select("name").where("id", "=", "a").executeTakeFirst();
  assert.equal(row?.name, "a");
});

test("what fails for another reason is not done again", { skip }, async () => {
  await using opened = await open();
  let tries = 0;

  const transaction = opened.store.db.transaction().execute(async (db) => {
    tries += 1;
    await db.insertInto("projects").values({ id: "a", name: "a", created_at: 1 }).execute();
  });

  await assert.rejects(transaction, (error) => opened.store.isDuplicate(error));
  assert.equal(tries, 1);
});

async function rename(db: Queries, id: string, name: string): Promise<void> {
  await db.updateTable("projects").set({ name }).where("id", "=", id).execute();
}

/** A store with two rows to meet at. */
async function open(): Promise<{ store: Store; url: Database["url"] } & AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  const { url } = opened.use(await createDatabase());
  const store = await openPostgresStore({ url, log });
  opened.defer(async () => await store.close());
  for (const id of ["a", "b"])
    await store.db.insertInto("projects").values({ id, name: id, created_at: 1 }).execute();
  const all = opened.move();
  return { store, url, [Symbol.asyncDispose]: async () => await all.disposeAsync() };
}

async function connect(url: Database["url"], first: string) {
  const client = new pg.Client({ connectionString: url.expose() });
  await client.connect();
  await client.query(first);
  return { client, [Symbol.asyncDispose]: async () => await client.end() };
}
