import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import pg from "pg";
import { Secret } from "#base/secret.ts";
import { openWay } from "../harness/cut.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { readMetrics } from "../harness/metrics.ts";
import { ask, type Database, lackingPostgres } from "../harness/postgres.ts";
import { firstLine } from "../harness/process.ts";
import { startReplicaProcess } from "../harness/replica.ts";
import { scratch } from "../harness/scratch.ts";
import { createDatabase, sharedPostgres } from "../harness/shared-postgres.ts";

const skip = lackingPostgres;

/** What Kysely holds while it brings tables up to date. */
const MIGRATION_LOCK = "3853314791062309107";

/** A replica that is ready, and where it is watched. */
async function startWatched(url: Secret) {
  await using started = new AsyncDisposableStack();
  const folder = started.use(scratch());
  const keyFile = join(folder.path, "porthole.key");
  const replica = started.use(await startReplicaProcess({ url, keyFile, args: ["--admin-listen", "0"] }));
  const { admin }: { readonly admin: string } = JSON.parse(await firstLine(replica));
  const owned = started.move();
  return { admin, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

async function readiness(admin: string): Promise<readonly [status: number, text: string]> {
  const response = await fetch(`${admin}/readyz`);
  return [response.status, await response.text()];
}

test("a control whose tables are being brought up to date lives, and is not ready", { skip }, async () => {
  await using database = await createDatabase();
  await using folder = scratch();
  await using held = await holdMigrations(database);
  const keyFile = join(folder.path, "porthole.key");

  const { replica, admin, live } = await onFreePort(async (port) => {
    const replica = await startReplicaProcess({
      url: database.url,
      keyFile,
      args: ["--admin-listen", `${port}`],
    });
    const admin = `http://${LOOPBACK}:${port}`;
    const live = await Promise.race([untilAnswered(`${admin}/livez`), replica.exited]);
    assert.equal(typeof live, "boolean", `it ended: ${replica.stderr.text}`);
    return { replica, admin, live };
  });
  await using _replica = replica;

  assert.equal(live, true);
  assert.equal(await (await fetch(`${admin}/livez`)).text(), "live\n");
  assert.deepEqual(await readiness(admin), [503, "listeners: it starts\ndatabase: it is not open\n"]);
  await held[Symbol.asyncDispose]();
  await firstLine(replica);
  assert.deepEqual(await readiness(admin), [200, "ready\n"]);
});

test("a control whose database says nothing any more tells so in its metrics, and all else as ever", {
  skip,
}, async () => {
  await using database = await createDatabase();
  await using way = await openWay((await sharedPostgres()).port);
  await using control = await startWatched(
    new Secret(`postgres://porthole@${LOOPBACK}:${way.port}/${database.name}`),
  );
  assert.equal((await readMetrics(control.admin)).get("porthole_database_up"), 1);

  way.cut("silent");

  // Prometheus gives up after ten seconds, and has nothing at all then.
  const response = await fetch(`${control.admin}/metrics`, { signal: AbortSignal.timeout(9_000) });
  const lines = (await response.text()).split("\n");
  assert.ok(lines.includes("porthole_database_up 0"));
  for (const name of ["process_resident_memory_bytes", "porthole_control_link_channels"])
    assert.ok(
      lines.some((line) => line.startsWith(`${name} `)),
      name,
    );
  way.mend();
});

test("a control whose database takes no writes any more is not ready", { skip }, async () => {
  await using database = await createDatabase();
  await using control = await startWatched(database.url);
  assert.deepEqual(await readiness(control.admin), [200, "ready\n"]);

  // As a server that another one has taken the place of.
  await setReadOnly(database, "on");

  await eventually(async () =>
    assert.deepEqual(await readiness(control.admin), [
      503,
      "database: it does not answer, or takes nothing\n",
    ]),
  );
  await setReadOnly(database, "off");
  await eventually(async () => assert.deepEqual(await readiness(control.admin), [200, "ready\n"]));
});

/** As a replica does that is before this one. */
async function holdMigrations({ url }: Database): Promise<AsyncDisposable> {
  const client = new pg.Client({ connectionString: url.expose() });
  await client.connect();
  await client.query(`select pg_advisory_lock(${MIGRATION_LOCK})`);
  return { [Symbol.asyncDispose]: async () => await client.end() };
}

/** False where nobody answers. */
async function untilAnswered(url: string): Promise<boolean> {
  return await eventually(async () => await fetch(url)).then(
    () => true,
    () => false,
  );
}

async function setReadOnly({ name, url }: Database, to: "on" | "off"): Promise<void> {
  const { query } = await sharedPostgres();
  await query(`alter database ${name} set default_transaction_read_only = ${to}`);
  await ask(
    url,
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  );
}
