import assert from "node:assert/strict";
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { NativeClient } from "../harness/native-client.ts";
import { startRole } from "../harness/porthole.ts";
import { lackingPostgres } from "../harness/postgres.ts";
import { firstLine, startProcess } from "../harness/process.ts";
import { type FirstKeys, startReplica } from "../harness/replica.ts";
import { type Scratch, scratch } from "../harness/scratch.ts";
import { createDatabase, sharedPostgres } from "../harness/shared-postgres.ts";

const MACHINE = { name: "kept", protocol: "rfb", address: "127.0.0.1:5900", password: "swordfish" } as const;
const LATER = { ...MACHINE, name: "later" };

test("a backup of the embedded database, taken while it is in use, is an installation again with its key", async () => {
  await using folder = scratch();
  const [data, restored] = [join(folder.path, "data"), join(folder.path, "restored")];
  await using first = await startEmbedded(data);
  const keys = first.keys;
  await first.api(keys).addMachine(MACHINE);

  // What `sqlite3 porthole.db ".backup …"` does.
  mkdirSync(restored);
  using source = new DatabaseSync(join(data, "porthole.db"), { readOnly: true });
  await backup(source, join(restored, "porthole.db"));
  copyFileSync(join(data, "porthole.key"), join(restored, "porthole.key"));
  await first.api(keys).addMachine(LATER);

  await using second = await startEmbedded(restored);
  assert.deepEqual(
    (await second.api(keys).machines()).map(({ name }) => name),
    ["kept"],
  );
  await second.api(keys).addMachine(LATER);
});

test("a dump of PostgreSQL, taken while replicas use it, is an installation again with its key", {
  skip: lackingPostgres,
}, async () => {
  await using folder = scratch();
  await using one = await createDatabase();
  await using other = await createDatabase();
  const keyFile = join(folder.path, "porthole.key");
  await using first = await startReplica({ url: one.url, keyFile });
  const { firstKeys: keys } = first;
  assert.ok(keys !== undefined);
  await first.api(keys).addMachine(MACHINE);

  const dump = join(folder.path, "porthole.dump");
  await program("pg_dump", ["--format=custom", "--file", dump, "--dbname", one.url.expose()]);
  await first.api(keys).addMachine(LATER);
  await program("pg_restore", ["--exit-on-error", "--no-owner", "--dbname", other.url.expose(), dump]);
  const kept = copyOf(keyFile, folder);

  await using second = await startReplica({ url: other.url, keyFile: kept });
  assert.equal(second.firstKeys, undefined);
  assert.deepEqual(
    (await second.api(keys).machines()).map(({ name }) => name),
    ["kept"],
  );
  await second.api(keys).addMachine(LATER);
});

function copyOf(keyFile: string, folder: Scratch): string {
  const copy = join(folder.path, "copy.key");
  copyFileSync(keyFile, copy);
  return copy;
}

async function startEmbedded(data: string) {
  const child = await startRole("control", [
    "--data",
    data,
    "--listen",
    "127.0.0.1:0",
    "--link",
    "127.0.0.1:0",
  ]);
  const { control, apiKey, secretKey } = JSON.parse(await firstLine(child));
  return {
    keys: { apiKey, secretKey } satisfies FirstKeys,
    api: (keys: FirstKeys) => new NativeClient(control, keys),
    [Symbol.asyncDispose]: async () => void (await child.stop()),
  };
}

async function program(name: string, args: readonly string[]): Promise<void> {
  const { programs } = await sharedPostgres();
  const child = await startProcess(join(programs, name), args);
  assert.equal(await child.exited, 0, child.stderr.text);
}
