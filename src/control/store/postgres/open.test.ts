import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { pino } from "pino";
import { storeConformance } from "../../../../test/conformance/store.ts";
import { lackingPostgres } from "../../../../test/harness/postgres.ts";
import { createDatabase } from "../../../../test/harness/shared-postgres.ts";
import { openPostgresStore } from "./open.ts";

const log = pino({ level: "silent" });

async function openOnServer() {
  await using opened = new AsyncDisposableStack();
  const { url, name } = opened.use(await createDatabase());
  const store = await openPostgresStore({ url, log });
  opened.defer(async () => await store.close());
  const all = opened.move();
  return { store, url, name, [Symbol.asyncDispose]: async () => await all.disposeAsync() };
}

storeConformance("PostgreSQL", openOnServer, lackingPostgres);

test("replicas that open an empty database at once all get its tables", {
  skip: lackingPostgres,
}, async () => {
  await using database = await createDatabase();

  const stores = await Promise.all(
    Array.from({ length: 8 }, async () => await openPostgresStore({ url: database.url, log })),
  );

  for (const store of stores) await store.db.selectFrom("sessions").select("id").execute();
  await Promise.all(stores.map(async (store) => await store.close()));
});

test("every text is compared byte by byte", { skip: lackingPostgres }, async () => {
  await using opened = await openOnServer();

  const { rows } = await sql<{ column: string }>`
    select table_name || '.' || column_name as column from information_schema.columns
    where table_schema = 'public' and data_type = 'text' and collation_name is distinct from 'C'`.execute(
    opened.store.db,
  );

  assert.deepEqual(rows, []);
});
