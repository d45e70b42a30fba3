import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import { eventually } from "../harness/eventually.ts";
import { startRole } from "../harness/porthole.ts";
import { lackingPostgres } from "../harness/postgres.ts";
import { firstLine } from "../harness/process.ts";
import { type Replica, startReplica, startReplicaProcess, startReplicas } from "../harness/replica.ts";
import { scratch } from "../harness/scratch.ts";
import { createDatabase } from "../harness/shared-postgres.ts";

const skip = lackingPostgres;
const LEADS = /"task":"sweeps".*"This replica leads"/;
const ANY = ["--listen", "127.0.0.1:0", "--link", "127.0.0.1:0"];

test("replicas that start at once on an empty database make one installation", { skip }, async () => {
  await using database = await createDatabase();
  await using folder = scratch();
  await using opened = new AsyncDisposableStack();
  const options = { url: database.url, keyFile: join(folder.path, "porthole.key") };

  const replicas = await Promise.all([1, 2, 3, 4].map(async () => opened.use(await startReplica(options))));

  const told = replicas.flatMap(({ firstKeys }) => firstKeys ?? []);
  assert.equal(told.length, 1, "one of them tells the first keys");
  const [keys] = told;
  assert.ok(keys !== undefined);
  const { id } = await must(replicas[0]).api(keys).addMachine({
    name: "shared",
    protocol: "rfb",
    address: "127.0.0.1:5900",
  });
  for (const replica of replicas)
    assert.deepEqual(
      (await replica.api(keys).machines()).map((machine) => machine.id),
      [id],
    );
});

test("of replicas with different key files one makes the installation, and the others refuse", {
  skip,
}, async () => {
  await using database = await createDatabase();
  await using folder = scratch();
  await using opened = new AsyncDisposableStack();
  const keyFiles = ["a", "b", "c"].map((name) => join(folder.path, name, "porthole.key"));

  const children = await Promise.all(
    keyFiles.map(async (keyFile) => opened.use(await startReplicaProcess({ url: database.url, keyFile }))),
  );
  const ends = await Promise.all(
    children.map(
      async (child) => await Promise.race([child.exited, firstLine(child).catch(() => child.exited)]),
    ),
  );

  const started = ends.flatMap((end, index) =>
    typeof end === "string" && end.startsWith("{") ? [index] : [],
  );
  assert.equal(started.length, 1);
  for (const [index, keyFile] of keyFiles.entries()) {
    assert.equal(existsSync(keyFile), started.includes(index), "a key file only where it fits the database");
    if (started.includes(index)) continue;
    assert.equal(ends[index], 2);
    assert.match(
      must(children[index]).stderr.text,
      /key file .* is missing; the database cannot be used without it/,
    );
  }
});

test("a replica with another installation's key refuses to start, and says so", { skip }, async () => {
  await using database = await createDatabase();
  await using folder = scratch();
  const keyFile = join(folder.path, "right.key");
  await using first = await startReplica({ url: database.url, keyFile });
  const wrong = join(folder.path, "wrong.key");
  writeFileSync(wrong, `${Buffer.alloc(32, 7).toString("base64url")}\n`, { mode: 0o600 });

  await using second = await startReplicaProcess({ url: database.url, keyFile: wrong });

  assert.equal(await second.exited, 2);
  assert.match(second.stderr.text, /wrong\.key is not the one that this database was made with/);
  assert.notEqual(readFileSync(wrong, "utf8"), readFileSync(keyFile, "utf8"));
  assert.ok(first.firstKeys !== undefined);
});

test("the URL of the database may stand in a file", { skip }, async () => {
  await using database = await createDatabase();
  await using folder = scratch();
  const urlFile = join(folder.path, "url");
  writeFileSync(urlFile, `${database.url.expose()}\n`, { mode: 0o600 });

  await using control = await startRole("control", [
    ...["--database-url-file", urlFile, "--key-file", join(folder.path, "porthole.key"), ...ANY],
  ]);

  assert.equal(JSON.parse(await firstLine(control)).ready, true);
});

test("two places for the database are refused, and so is what is no URL of one, without telling it", async () => {
  await using folder = scratch();
  const args = ["--data", folder.path, ...ANY];

  await using both = await startRole("control", [...args, "--database-file", join(folder.path, "x.db")], {
    PORTHOLE_DATABASE: "postgres://u:hunter2@127.0.0.1/x",
  });
  await using bad = await startRole("control", args, { PORTHOLE_DATABASE: "mysql://u:hunter2@127.0.0.1/x" });
  await using argument = await startRole("control", [
    ...args,
    "--database",
    "postgres://u:hunter2@127.0.0.1/x",
  ]);

  for (const child of [both, bad, argument]) assert.equal(await child.exited, 2);
  assert.match(both.stderr.text, /one database, and it is said by --database-file and by PORTHOLE_DATABASE/);
  assert.match(bad.stderr.text, /PORTHOLE_DATABASE: must be a URL such as postgres:/);
  for (const child of [both, bad]) assert.ok(!child.stderr.text.includes("hunter2"));
  assert.match(argument.stderr.text, /--database/);
});

test("a server that is not there is told of in words, without the password", { skip }, async () => {
  await using database = await createDatabase();
  await using folder = scratch();
  const url = new URL(database.url.expose());
  url.password = "hunter2";
  url.pathname = "/nowhere";

  await using child = await startReplicaProcess({
    url: new Secret(url.href),
    keyFile: join(folder.path, "porthole.key"),
  });

  assert.equal(await child.exited, 2);
  assert.match(child.stderr.text, /postgres:\/\/127\.0\.0\.1:\d+\/nowhere: .*does not exist/);
  assert.ok(!child.stderr.text.includes("hunter2"));
});

test("a setting that is changed at one replica is in force at all", { skip }, async () => {
  await using database = await createDatabase();
  await using started = await startReplicas(3, database);
  const { replicas, keys } = started;

  for (const [index, replica] of replicas.entries()) {
    const value = `10.0.${index}.0/24`;
    await replica.api(keys).call("PUT", "settings/upstream.allow", { value });

    for (const other of replicas)
      await eventually(async () => assert.equal(await upstreamAllow(other), value));
  }

  async function upstreamAllow(replica: Replica): Promise<string | undefined> {
    const { items }: { items: { name: string; value: string }[] } = await replica
      .api(keys)
      .call("GET", "settings");
    return items.find(({ name }) => name === "upstream.allow")?.value;
  }
});

for (const [how, signal] of [
  ["is killed", "SIGKILL"],
  ["stands still", "SIGSTOP"],
] as const)
  test(`when the replica that does the periodic work ${how}, another takes over`, {
    skip,
  }, async (context) => {
    await using database = await createDatabase();
    await using started = await startReplicas(3, database);
    const { replicas } = started;
    const leader = await eventually(() => must(replicas.find(leads)));
    assert.equal(replicas.filter(leads).length, 1);

    process.kill(leader.process.pid, signal);
    const before = performance.now();
    await eventually(() => assert.equal(replicas.filter(leads).length, 2));

    context.diagnostic(`took ${Math.round(performance.now() - before)} ms`);
    // A stopped process obeys nothing else.
    await leader.process.stop("SIGKILL");
  });

function leads({ process: { stderr } }: Replica): boolean {
  return LEADS.test(stderr.text);
}

function must<Value>(value: Value | undefined): Value {
  assert.ok(value !== undefined);
  return value;
}
