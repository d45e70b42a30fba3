import assert from "node:assert/strict";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pino } from "pino";
import { systemClock } from "#base/clock.ts";
import { ConfigError } from "#base/config.ts";
import { fingerprint } from "#tls/node-identity.ts";
import { type Scratch, scratch } from "../../test/harness/scratch.ts";
import { createCallers } from "./accounts/callers.ts";
import { openOrBootstrap } from "./bootstrap.ts";
import { openSqliteStore } from "./store/sqlite/open.ts";
import type { Store } from "./store/store.ts";
import { createInstallationKey } from "./vault/installation-key.ts";

test("an empty database gets a project, an administrator with a key, and a join token", async () => {
  await using folder = scratch();
  await using store = await open(folder);

  const { installation } = await bootstrap(store, folder);
  const keys = JSON.parse(readFileSync(join(folder.path, "keys.json"), "utf8"));

  assert.deepEqual(Object.keys(keys).sort(), ["accountId", "apiKey", "joinToken", "secretKey"]);
  assert.equal(statSync(join(folder.path, "keys.json")).mode & 0o777, 0o600);
  const found = await createCallers({ store, vault: installation.vault }).byApiKey(keys.apiKey, "::1");
  assert.equal(found?.secretKey.expose(), keys.secretKey);
  assert.deepEqual(found?.caller, {
    accountId: keys.accountId,
    name: "admin",
    role: "admin",
    projectIds: [],
    address: "::1",
    apiKey: keys.apiKey,
  });
  assert.equal(keys.joinToken.split(".")[0], fingerprint(installation.authority.certificate));
  const projects = await store.db.selectFrom("projects").select("name").execute();
  assert.deepEqual(
    projects.map((project) => project.name),
    ["default"],
  );
});

test("the second start finds everything as it was, and writes no keys", async () => {
  await using folder = scratch();
  const first = await inStore(folder, async (store) => await bootstrap(store, folder));
  rmSync(join(folder.path, "keys.json"));

  const second = await inStore(folder, async (store) => await bootstrap(store, folder));

  assert.equal(second.installation.id, first.installation.id);
  assert.deepEqual(second.installation.authority, first.installation.authority);
  assert.equal(second.firstKeys, undefined);
  assert.throws(() => statSync(join(folder.path, "keys.json")), { code: "ENOENT" });
});

test("upstream.allow has the first value that it was given, on an empty database only", async () => {
  await using folder = scratch();
  await inStore(folder, async (store) => await bootstrap(store, folder, { upstreamAllow: "10.0.0.0/8" }));

  await inStore(folder, async (store) => {
    await bootstrap(store, folder, { upstreamAllow: "0.0.0.0/0" });
    const rows = await store.db.selectFrom("settings").selectAll().execute();
    assert.deepEqual(
      rows.map(({ name, value }) => [name, value]),
      [["upstream.allow", "10.0.0.0/8"]],
    );
  });
});

test("a bootstrap that is cut off after its file was written is made anew, and the file with it", async () => {
  await using folder = scratch();
  await using store = await open(folder);
  await assert.rejects(bootstrap(failingAtCommit(store), folder), /power cut/);
  const lost = readFileSync(join(folder.path, "keys.json"), "utf8");
  const key = readFileSync(join(folder.path, "porthole.key"), "utf8");

  const { installation } = await bootstrap(store, folder);

  const keys = JSON.parse(readFileSync(join(folder.path, "keys.json"), "utf8"));
  assert.notEqual(keys.secretKey, JSON.parse(lost).secretKey);
  assert.equal(readFileSync(join(folder.path, "porthole.key"), "utf8"), key, "the key file stays");
  const callers = createCallers({ store, vault: installation.vault });
  assert.equal((await callers.byApiKey(keys.apiKey, "::1"))?.secretKey.expose(), keys.secretKey);
  assert.equal(await callers.byApiKey(JSON.parse(lost).apiKey, "::1"), undefined);
});

test("a bootstrap file that cannot be written leaves the database empty", async () => {
  await using folder = scratch();
  await using store = await open(folder);
  writeFileSync(join(folder.path, "file"), "");

  const failed = bootstrap(store, folder, { bootstrapFile: join(folder.path, "file", "keys.json") });

  await assert.rejects(failed);
  assert.equal(await store.db.selectFrom("installation").select("id").executeTakeFirst(), undefined);
  assert.equal(await store.db.selectFrom("accounts").select("id").executeTakeFirst(), undefined);
});

test("without anywhere to tell the first keys nothing is made", async () => {
  await using folder = scratch();
  await using store = await open(folder);

  await assert.rejects(bootstrap(store, folder, { bootstrapFile: null }), /--bootstrap-file or --json/);

  assert.throws(() => statSync(join(folder.path, "porthole.key")), { code: "ENOENT" });
});

test("a missing key file is a refusal in words, and no new one is made", async () => {
  await using folder = scratch();
  await inStore(folder, async (store) => await bootstrap(store, folder));
  rmSync(join(folder.path, "porthole.key"));

  await inStore(folder, async (store) => {
    await assert.rejects(bootstrap(store, folder), isProblem(/porthole\.key is missing/));
  });

  assert.throws(() => statSync(join(folder.path, "porthole.key")), { code: "ENOENT" });
});

test("another installation's key file is a refusal in words", async () => {
  await using folder = scratch();
  await inStore(folder, async (store) => await bootstrap(store, folder));
  rmSync(join(folder.path, "porthole.key"));
  createInstallationKey(join(folder.path, "porthole.key"));

  await inStore(folder, async (store) => {
    await assert.rejects(
      bootstrap(store, folder),
      isProblem(/is not the one that this database was made with/),
    );
  });
});

test("the database holds no secret in clear", async () => {
  await using folder = scratch();
  const keys = await inStore(folder, async (store) => {
    const { installation } = await bootstrap(store, folder);
    const first = JSON.parse(readFileSync(join(folder.path, "keys.json"), "utf8"));
    return [first.secretKey, first.joinToken.split(".")[1], installation.authority.privateKey.slice(40, 80)];
  });

  const files = ["porthole.db"].map((name) => readFileSync(join(folder.path, name)));

  for (const key of keys) for (const file of files) assert.ok(!file.includes(key));
});

async function open(folder: Scratch): Promise<Store & AsyncDisposable> {
  const store = await openSqliteStore(join(folder.path, "porthole.db"), systemClock);
  return { ...store, [Symbol.asyncDispose]: async () => await store.close() };
}

async function inStore<Result>(folder: Scratch, work: (store: Store) => Promise<Result>): Promise<Result> {
  await using store = await open(folder);
  return await work(store);
}

function bootstrap(
  store: Store,
  folder: Scratch,
  options: { readonly bootstrapFile?: string | null; readonly upstreamAllow?: string } = {},
) {
  return openOrBootstrap(store, {
    keyFile: join(folder.path, "porthole.key"),
    bootstrapFile: join(folder.path, "keys.json"),
    tellsKeys: false,
    upstreamAllow: "",
    clock: systemClock,
    log: pino({ level: "silent" }),
    ...options,
  });
}

/** The same store, but every transaction fails when all its work is done. */
function failingAtCommit(store: Store): Store {
  const db = new Proxy(store.db, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== "transaction") return typeof value === "function" ? value.bind(target) : value;
      return () => ({
        execute: async (work: (transaction: typeof target) => Promise<unknown>) =>
          await target.transaction().execute(async (transaction) => {
            await work(transaction);
            throw new Error("power cut");
          }),
      });
    },
  });
  return { ...store, db };
}

function isProblem(pattern: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof ConfigError && error.problems.some((problem) => pattern.test(problem));
}
