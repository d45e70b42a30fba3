import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { Secret } from "#base/secret.ts";
import { openWay } from "../../../../test/harness/cut.ts";
import { lackingPostgres } from "../../../../test/harness/postgres.ts";
import { createDatabase } from "../../../../test/harness/shared-postgres.ts";
import type { Store } from "../store.ts";
import { openPostgresStore } from "./open.ts";

const log = pino({ level: "silent" });
const UNAVAILABLE = { code: "database_unavailable" };

test("a server that says nothing is waited for once, also in a transaction, and used again when it answers", {
  skip: lackingPostgres,
}, async () => {
  await using database = await createDatabase();
  const url = new URL(database.url.expose());
  await using way = await openWay(Number(url.port));
  url.port = String(way.port);
  const store = await openPostgresStore({ url: new Secret(url.href), log });
  await Promise.all([count(store), count(store)]);
  const order: string[] = [];
  const told = async (what: string, work: Promise<unknown>) => {
    await assert.rejects(work, UNAVAILABLE);
    order.push(what);
  };

  const began = Promise.withResolvers<void>();
  const transaction = store.db.transaction().execute(async (db) => {
    await db.selectFrom("projects").select("id").execute();
    way.cut("silent");
    began.resolve();
    await db.selectFrom("projects").select("id").execute();
  });
  const told1 = told("a transaction", transaction);
  await began.promise;
  await told("a statement", count(store));
  // The wait for an answer and that for a connection are less than two waits for an answer.
  await Promise.all([told1, told("a statement that needs a connection", count(store))]);

  assert.equal(order.at(-1), "a statement that needs a connection", order.join(", "));
  way.mend();
  assert.equal(await count(store), 0);
  await store.close();
});

async function count(store: Store): Promise<number> {
  return (await store.db.selectFrom("projects").select("id").execute()).length;
}
