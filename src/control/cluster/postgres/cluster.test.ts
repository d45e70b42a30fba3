import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { aborted } from "#base/process/role.ts";
import { Secret } from "#base/secret.ts";
import { clusterConformance } from "../../../../test/conformance/cluster.ts";
import { type CuttableWay, openWay } from "../../../../test/harness/cut.ts";
import { eventually } from "../../../../test/harness/eventually.ts";
import { LOOPBACK } from "../../../../test/harness/free-port.ts";
import { ask, type Database, lackingPostgres } from "../../../../test/harness/postgres.ts";
import { createDatabase, sharedPostgres } from "../../../../test/harness/shared-postgres.ts";
import { openPostgresStore } from "../../store/postgres/open.ts";
import { joinPostgresCluster } from "./cluster.ts";

const log = pino({ level: "silent" });
const skip = lackingPostgres;

/** One replica of its own database, or one more of a given one. */
async function openReplica({
  database,
  way,
  offsetMs = 0,
}: {
  readonly database?: Database;
  readonly way?: CuttableWay;
  readonly offsetMs?: number;
} = {}) {
  await using opened = new AsyncDisposableStack();
  const { name, url: direct } = database ?? opened.use(await createDatabase());
  const url = way === undefined ? direct : new Secret(`postgres://porthole@${LOOPBACK}:${way.port}/${name}`);
  const store = await openPostgresStore({ url, log });
  opened.defer(async () => await store.close());
  const own = { now: () => Date.now() + offsetMs };
  const { cluster, clock } = await joinPostgresCluster({ url, clock: own, log });
  opened.defer(async () => await cluster.close());
  const all = opened.move();
  return { store, cluster, clock, [Symbol.asyncDispose]: async () => await all.disposeAsync() };
}

clusterConformance("PostgreSQL", openReplica, skip);

test("what one replica publishes is heard by all", { skip }, async () => {
  await using database = await createDatabase();
  await using one = await openReplica({ database });
  await using two = await openReplica({ database });
  const heard: string[] = [];
  for (const [name, { cluster }] of Object.entries({ one, two }))
    cluster.subscribe("node", { heard: (text) => heard.push(`${name}: ${text}`), missed() {} });

  await one.cluster.publish(one.store.db, "node", "n");

  await eventually(() => assert.deepEqual(heard.toSorted(), ["one: n", "two: n"]));
});

test("a replica whose session breaks is told that it missed something, and hears again", {
  skip,
}, async () => {
  await using database = await createDatabase();
  await using replica = await openReplica({ database });
  const { store, cluster } = replica;
  const heard: string[] = [];
  let missed = 0;
  cluster.subscribe("node", { heard: (text) => heard.push(text), missed: () => void missed++ });
  const before = missed;

  await endSessions(database);

  await eventually(() => assert.ok(missed > before));
  await cluster.publish(store.db, "node", "again");
  await eventually(() => assert.deepEqual(heard, ["again"]));
});

test("a replica whose session goes silent hears again, of what it missed, and leads no more meanwhile", {
  skip,
}, async () => {
  await using database = await createDatabase();
  await using way = await openWay((await sharedPostgres()).port);
  await using one = await openReplica({ database, way });
  await using two = await openReplica({ database });
  const terms: (readonly [name: string, AbortSignal])[] = [];
  const leading = (name: string) => async (signal: AbortSignal) => {
    terms.push([name, signal]);
    await aborted(signal);
  };
  one.cluster.lead("test", leading("one"));
  await eventually(() => assert.equal(terms.length, 1));
  two.cluster.lead("test", leading("two"));
  const heard: string[] = [];
  let missed = 0;
  one.cluster.subscribe("node", { heard: (text) => heard.push(text), missed: () => void missed++ });

  // As a firewall does that has forgotten a connection: nobody is told, and new ones go through.
  way.cut("silent");
  way.mend("stays silent");
  await two.cluster.publish(two.store.db, "node", "while it was silent");

  await eventually(() => assert.equal(missed, 1));
  assert.deepEqual(heard, []);
  await two.cluster.publish(two.store.db, "node", "again");
  await eventually(() => assert.deepEqual(heard, ["again"]));
  await eventually(() => assert.ok(terms[0]?.[1].aborted));
  await eventually(() => assert.equal(terms.filter(([, signal]) => !signal.aborted).length, 1));
});

test("one replica leads at a time, and another takes over when it stops", { skip }, async () => {
  await using database = await createDatabase();
  await using opened = new AsyncDisposableStack();
  const leading = new Set<number>();
  let most = 0;
  const leads = [];
  for (const index of [0, 1, 2]) {
    const { cluster } = opened.use(await openReplica({ database }));
    const task = async (signal: AbortSignal) => {
      leading.add(index);
      most = Math.max(most, leading.size);
      await aborted(signal);
      leading.delete(index);
    };
    leads.push(cluster.lead("test", task));
  }

  const seen = new Set<number>();
  for (const _ of leads) {
    const [leader = -1] = await eventually(() => {
      assert.equal(leading.size, 1);
      return [...leading];
    });
    seen.add(leader);
    await leads[leader]?.stop();
    assert.ok(!leading.has(leader));
  }

  assert.deepEqual([...seen].sort(), [0, 1, 2]);
  assert.equal(most, 1);
});

test("a replica that loses its session leads no more, and one that has one leads", { skip }, async () => {
  await using database = await createDatabase();
  await using one = await openReplica({ database });
  const terms: AbortSignal[] = [];
  const task = async (signal: AbortSignal) => {
    terms.push(signal);
    await aborted(signal);
  };
  one.cluster.lead("test", task);
  await eventually(() => assert.equal(terms.length, 1));
  await using two = await openReplica({ database });
  two.cluster.lead("test", task);

  await endSessions(database);

  await eventually(() => assert.ok(terms[0]?.aborted));
  await eventually(() => assert.equal(terms.filter(({ aborted }) => !aborted).length, 1));
});

test("different names are led independently of each other", { skip }, async () => {
  await using database = await createDatabase();
  await using one = await openReplica({ database });
  await using two = await openReplica({ database });
  const led: string[] = [];
  const leading = (name: string) => async (signal: AbortSignal) => {
    led.push(name);
    await aborted(signal);
  };

  one.cluster.lead("a", leading("a"));
  two.cluster.lead("b", leading("b"));

  await eventually(() => assert.deepEqual(led.toSorted(), ["a", "b"]));
});

test("a replica whose own clock is off goes by the database's", { skip }, async () => {
  await using database = await createDatabase();

  for (const offsetMs of [-5 * 60_000, 0, 5 * 60_000]) {
    await using replica = await openReplica({ database, offsetMs });
    // On the same machine as the database, so this clock is the database's.
    assert.ok(Math.abs(replica.clock.now() - Date.now()) < 1000, `${offsetMs}`);
  }
});

test("a database that cannot be reached is told of at once", { skip }, async () => {
  const database = await createDatabase();
  await database[Symbol.asyncDispose]();

  await assert.rejects(
    joinPostgresCluster({ url: database.url, clock: { now: Date.now }, log }),
    /does not exist/,
  );
});

/** As when the server restarts, for the connections that replicas keep to hear each other. */
async function endSessions({ url }: Database): Promise<void> {
  await ask(
    url,
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'porthole session' and datname = current_database()",
  );
}
