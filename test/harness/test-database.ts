import { chmodSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { sql } from "kysely";
import type { Log } from "#base/process/log.ts";
import type { Cluster } from "#control/cluster/cluster.ts";
import { createEmbeddedCluster } from "#control/cluster/embedded.ts";
import { joinPostgresCluster } from "#control/cluster/postgres/cluster.ts";
import { openPostgresStore } from "#control/store/postgres/open.ts";
import { openSqliteStore } from "#control/store/sqlite/open.ts";
import type { Store } from "#control/store/store.ts";
import { createDatabase, lackingPostgres } from "./postgres.ts";
import type { TestClock } from "./test-clock.ts";

export const TEST_DATABASES = ["SQLite", "PostgreSQL"] as const;
export type TestDatabase = (typeof TEST_DATABASES)[number];

/** The same test on every database that control runs on. */
export function onEachDatabase(
  title: string,
  body: (database: TestDatabase, context: TestContext) => Promise<void>,
): void {
  for (const database of TEST_DATABASES)
    test(`${title} (${database})`, {
      skip: database === "PostgreSQL" && lackingPostgres,
    }, async (context) => {
      await body(database, context);
    });
}

interface Opened extends AsyncDisposable {
  readonly store: Store;
  readonly cluster: Cluster;
}

interface Parts {
  readonly folder: string;
  /** What the database goes by as well, whichever it is. */
  readonly clock: TestClock;
  readonly log: Log;
}

export async function openTestDatabase(database: TestDatabase, parts: Parts): Promise<Opened> {
  return database === "SQLite" ? await openFile(parts) : await openServer(parts);
}

async function openFile({ folder, clock, log }: Parts): Promise<Opened> {
  const store = await openSqliteStore(join(folder, "porthole.db"), clock);
  return owned(store, createEmbeddedCluster({ afterCommit: store.afterCommit, log }));
}

/** The server is told the test's time by a file. */
async function openServer({ folder, clock, log }: Parts): Promise<Opened> {
  await using opened = new AsyncDisposableStack();
  const { url } = opened.use(await createDatabase());
  const now = sql<number>`pg_read_file(${sql.lit(writeTime(folder, clock))})::bigint`;
  const store = await openPostgresStore({ url, log, now });
  opened.defer(async () => await store.close());
  const { cluster } = await joinPostgresCluster({ url, clock, log });
  opened.defer(async () => await cluster.close());
  const all = opened.move();
  return { store, cluster, [Symbol.asyncDispose]: async () => await all.disposeAsync() };
}

/** Resolves to a file that always holds the clock's time, whole, for the user that the server runs as. */
function writeTime(folder: string, clock: TestClock): string {
  const file = join(folder, "clock");
  chmodSync(folder, 0o755);
  clock.follow((time) => {
    writeFileSync(`${file}.next`, String(time), { mode: 0o644 });
    renameSync(`${file}.next`, file);
  });
  return file;
}

function owned(store: Store, cluster: Cluster): Opened {
  return {
    store,
    cluster,
    async [Symbol.asyncDispose]() {
      await cluster.close();
      await store.close();
    },
  };
}
