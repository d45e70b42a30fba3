import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { Secret } from "#base/secret.ts";
import { blocked } from "../../../test/harness/blocked.ts";
import { type OneControl, testReplicas } from "../../../test/harness/control.ts";
import { lackingPostgres } from "../../../test/harness/postgres.ts";

const skip = lackingPostgres;

test("of API keys that are added at once, at all replicas, an account gets no more than it may have", {
  skip,
}, async () => {
  await using world = await testReplicas(2);
  const { replicas } = world;
  const { services, admin, store } = one(replicas, 0);
  const { id } = await services.accounts.add(admin, { name: "busy", role: "member", projects: [] });
  for (let count = 0; count < 45; count++) await services.accounts.addApiKey(admin, id);

  const added = await atOnce(20, async (turn) => {
    const replica = one(replicas, turn);
    return await replica.services.accounts.addApiKey(replica.admin, id);
  });

  assert.deepEqual([added.done, added.refused], [5, Array(15).fill("limit_reached")]);
  const rows = await store.db.selectFrom("api_keys").select("api_key").where("account_id", "=", id).execute();
  assert.equal(rows.length, 50);
});

test("a sign-in code that is used at many places at once signs in one of them", { skip }, async () => {
  await using world = await testReplicas(2);
  const { replicas } = world;
  const { services, admin, store } = one(replicas, 0);

  for (let round = 0; round < 5; round++) {
    const code = codeOf(await services.accounts.signInLink(admin));
    const signedIn = await atOnce(
      20,
      async (turn) => await one(replicas, turn).services.accounts.signIn(code),
    );

    assert.deepEqual([signedIn.done, signedIn.refused], [1, Array(19).fill("sign_in_code_invalid")]);
  }
  assert.equal((await store.db.selectFrom("web_sessions").select("hash").execute()).length, 5);
});

test("codes that are made and used at once are no more than an account may have, and each is used once", {
  skip,
}, async () => {
  await using world = await testReplicas(2);
  const { replicas } = world;
  const { services, admin, store } = one(replicas, 0);
  const codes: string[] = [];
  for (let count = 0; count < 20; count++) codes.push(codeOf(await services.accounts.signInLink(admin)));

  const [made, used] = await Promise.all([
    atOnce(20, async (turn) => await one(replicas, turn).services.accounts.signInLink(admin)),
    atOnce(20, async (turn) => await one(replicas, turn).services.accounts.signIn(codes[turn] ?? "")),
  ]);

  assert.equal(made.done, 20);
  assert.ok(
    used.refused.every((code) => code === "sign_in_code_invalid"),
    used.refused.join(" "),
  );
  const left = await store.db.selectFrom("sign_in_codes").select("hash").execute();
  assert.ok(left.length <= 20, `${left.length} codes`);
  assert.equal((await store.db.selectFrom("web_sessions").select("hash").execute()).length, used.done);
});

test("who signs in waits for whoever makes room for codes, before taking one", { skip }, async () => {
  await using world = await testReplicas(1);
  const { replicas, url } = world;
  const { services, admin } = one(replicas, 0);
  const code = codeOf(await services.accounts.signInLink(admin));
  const client = new pg.Client({ connectionString: url.expose() });
  await client.connect();

  try {
    await client.query("set deadlock_timeout = '10ms'");
    await client.query("begin");
    const key = `porthole account ${admin.accountId}`;
    await client.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [key]);
    const refused = assert.rejects(services.accounts.signIn(code), { code: "sign_in_code_invalid" });
    await blocked(url, 1);
    await client.query("delete from sign_in_codes");
    await client.query("commit");
    await refused;
  } finally {
    await client.end();
  }
});

test("web sessions that are begun at once, at all replicas, are no more than an account may have", {
  skip,
}, async () => {
  await using world = await testReplicas(2);
  const { replicas } = world;
  const { store, firstKeys, admin } = one(replicas, 0);
  const rows = Array.from({ length: 95 }, (_, count) => ({
    hash: `old ${count}`,
    account_id: admin.accountId,
    kind: "cloudstack" as const,
    expires_at: Date.now() + 60_000 + count,
  }));
  await store.db.insertInto("web_sessions").values(rows).execute();
  const secret = new Secret(firstKeys.secretKey);

  const begun = await atOnce(30, async (turn) => {
    const { accounts } = one(replicas, turn).services;
    return await accounts.signInBySecret("admin", secret, "192.0.2.1", {});
  });

  assert.equal(begun.done, 30);
  const left = await store.db.selectFrom("web_sessions").select("hash").execute();
  assert.equal(left.length, 100);
});

interface Outcomes {
  readonly done: number;
  /** The codes of those that were refused. */
  readonly refused: readonly unknown[];
}

async function atOnce(count: number, work: (turn: number) => Promise<unknown>): Promise<Outcomes> {
  const all = await Promise.allSettled(Array.from({ length: count }, async (_, turn) => await work(turn)));
  const refused = all.flatMap((each) =>
    each.status === "rejected" ? [each.reason.code ?? each.reason] : [],
  );
  return { done: count - refused.length, refused };
}

function one(replicas: readonly OneControl[], turn: number): OneControl {
  const replica = replicas[turn % replicas.length];
  assert.ok(replica !== undefined);
  return replica;
}

function codeOf({ url }: { readonly url: string }): string {
  return url.split("#code=")[1] ?? "";
}
