import { AsyncLocalStorage } from "node:async_hooks";
import { chmodSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sql } from "kysely";
import type { Log } from "#base/process/log.ts";
import type { Secret } from "#base/secret.ts";
import type { Cluster } from "#control/cluster/cluster.ts";
import { createEmbeddedCluster } from "#control/cluster/embedded.ts";
import { joinPostgresCluster } from "#control/cluster/postgres/cluster.ts";
import { openPostgresStore } from "#control/store/postgres/open.ts";
import { openSqliteStore } from "#control/store/sqlite/open.ts";
import type { Store } from "#control/store/store.ts";
import { type Database, lackingPostgres } from "./postgres.ts";
import { scratch } from "./scratch.ts";
import { createDatabase } from "./shared-postgres.ts";
import type { TestClock } from "./test-clock.ts";

const DATABASES = ["SQLite", "PostgreSQL"] as const;
type TestDatabase = (typeof DATABASES)[number];

const ofThisTest = new AsyncLocalStorage<TestDatabase>();

type Test = readonly [title: string, options: { skip: string | false }, body: () => Promise<void>];

/**
 * The same test on every database that control runs on, for `for (const each of …) test(...t)`: a test belongs to the
 * file that calls `test`. What opens a database in it, such as `testControl`, takes the one whose turn it is.
 */
export function onBoth(title: string, body: () => Promise<void>): readonly Test[] {
  return DATABASES.map((database) => [
    `${title} (${database})`,
    { skip: database === "PostgreSQL" && lackingPostgres },
    async () => await ofThisTest.run(database, body),
  ]);
}

interface Replica {
  readonly store: Store;
  readonly cluster: Cluster;
}

type Opened = Replica & AsyncDisposable;

interface Parts {
  readonly folder: string;
  /** What the database goes by as well, whichever it is. */
  readonly clock: TestClock;
  readonly log: Log;
}

/** An empty one, embedded where the test does not say otherwise. */
export async function openTestDatabase(parts: Parts): Promise<Opened> {
  if (ofThisTest.getStore() !== "PostgreSQL") return await openFile(parts);
  const { replicas, [Symbol.asyncDispose]: dispose } = await openReplicas(1, parts);
  const [replica] = replicas;
  if (replica === undefined) throw new Error("there is no replica");
  return { ...replica, [Symbol.asyncDispose]: dispose };
}

/** Several stores and clusters over one PostgreSQL, as many processes would have them. */
export async function openReplicas(
  count: number,
  parts: Parts,
): Promise<{ readonly replicas: readonly Replica[]; readonly url: Secret } & AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  filled ??= fill(parts.log);
  const { url } = opened.use(await createDatabase(await filled));
  const time = writeTime(parts);
  const replicas: Replica[] = [];
  for (let index = 0; index < count; index++)
    replicas.push(opened.use(await openReplica({ ...parts, url, time })));
  const all = opened.move();
  return { replicas, url, [Symbol.asyncDispose]: async () => await all.disposeAsync() };
}

async function openFile({ folder, clock, log }: Parts): Promise<Opened> {
  const file = join(folder, "porthole.db");
  filledFile ??= fillFile(clock);
  writeFileSync(file, await filledFile, { mode: 0o600 });
  const store = await openSqliteStore(file, clock);
  return owned(store, createEmbeddedCluster({ afterCommit: store.afterCommit, log }));
}

/** What is in a file that has its tables, for others to begin with: to make them takes as long as many a test. */
let filledFile: Promise<Uint8Array> | undefined;

async function fillFile(clock: TestClock): Promise<Uint8Array> {
  await using folder = scratch();
  const file = join(folder.path, "porthole.db");
  await (await openSqliteStore(file, clock)).close();
  return readFileSync(file);
}

/** A database that has its tables, for others to be made like it: that takes half the time. */
let filled: Promise<Database> | undefined;

async function fill(log: Log): Promise<Database> {
  const database = await createDatabase();
  await (await openPostgresStore({ url: database.url, log })).close();
  return database;
}

/** The server is told the test's time by a file. */
async function openReplica({
  clock,
  log,
  url,
  time,
}: Parts & { readonly url: Secret; readonly time: string }): Promise<Opened> {
  const now = sql<number>`pg_read_file(${sql.lit(time)})::bigint`;
  const store = await openPostgresStore({ url, log, now });
  const { cluster } = await joinPostgresCluster({ url, clock, log });
  return owned(store, cluster);
}

/** Resolves to a file that always holds the clock's time, whole, for the user that the server runs as. */
function writeTime({ folder, clock }: Parts): string {
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
