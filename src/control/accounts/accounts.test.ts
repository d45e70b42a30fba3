import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import { PUBLIC_ORIGIN, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";

const HOUR_MS = 3_600_000;

for (const t of onBoth("an account is made with its projects, by id or by name", async () => {
  await using control = await testControl();
  const { accounts, projects } = control.services;
  const beta = await projects.add(control.admin, { name: "beta" });

  const account = await accounts.add(control.admin, {
    name: " Someone ",
    role: "member",
    projects: ["default", beta.id, "beta"],
  });

  assert.equal(account.name, "Someone");
  assert.deepEqual(
    account.projects.map((project) => project.name),
    ["beta", "default"],
  );
  assert.deepEqual(await accounts.get(control.admin, account.id), account);
}))
  test(...t);

for (const t of onBoth(
  "an account with a taken name, or of a project that does not exist, is not made",
  async () => {
    await using control = await testControl();
    const { accounts } = control.services;

    await assert.rejects(accounts.add(control.admin, { name: "admin", role: "member" }), {
      code: "conflict",
    });
    await assert.rejects(accounts.add(control.admin, { name: "x", role: "member", projects: ["no"] }), {
      code: "not_found",
      detail: "there is no project “no”, which “porthole project add no” makes",
    });

    assert.equal((await accounts.list(control.admin, {})).items.length, 1);
  },
))
  test(...t);

for (const t of onBoth("accounts are listed by name, page by page", async () => {
  await using control = await testControl();
  for (const name of ["d", "b", "c"]) await control.member(name, ["default"]);
  const { accounts } = control.services;

  const first = await accounts.list(control.admin, { limit: 2 });
  const second = await accounts.list(control.admin, { limit: 2, after: first.next });

  assert.deepEqual(
    first.items.map(({ name }) => name),
    ["admin", "b"],
  );
  assert.deepEqual(
    second.items.map(({ name }) => name),
    ["c", "d"],
  );
  assert.deepEqual(
    second.items[0]?.projects.map(({ name }) => name),
    ["default"],
  );
  assert.equal(second.next, undefined);
}))
  test(...t);

for (const t of onBoth(
  "an account that is removed takes its keys, cookies and sign-in links with it",
  async () => {
    await using control = await testControl();
    const { accounts } = control.services;
    const member = await control.member("someone", []);
    const { apiKey } = await accounts.addApiKey(control.admin, member.accountId);
    const [first, second] = [await code(member), await code(member)];
    const { cookie } = await accounts.signIn(first);

    await accounts.remove(control.admin, member.accountId);

    assert.equal(await accounts.byApiKey(apiKey, "::1"), undefined);
    assert.equal(await accounts.byCookie(cookie.expose(), "::1"), undefined);
    await assert.rejects(accounts.signIn(second), { code: "sign_in_code_invalid" });
    await assert.rejects(accounts.remove(control.admin, member.accountId), { code: "not_found" });

    async function code(caller: typeof member): Promise<string> {
      return codeOf((await accounts.signInLink(caller)).url);
    }
  },
))
  test(...t);

for (const t of onBoth(
  "a disabled account is as if it were not there, until it is enabled again",
  async () => {
    await using control = await testControl();
    const { accounts } = control.services;
    const member = await control.member("someone", ["default"]);
    const { apiKey, secretKey } = await accounts.addApiKey(control.admin, member.accountId);
    const { cookie } = await accounts.signIn(codeOf((await accounts.signInLink(member)).url));
    const secret = new Secret(secretKey);

    const account = await accounts.update(control.admin, member.accountId, { disabled: true });

    assert.deepEqual([account.disabled, account.projects.length], [true, 1]);
    assert.equal(await accounts.byApiKey(apiKey, "::1"), undefined);
    assert.equal(await accounts.byCookie(cookie.expose(), "::1"), undefined);
    assert.equal(await accounts.signInBySecret("someone", secret, "::1"), undefined);
    await accounts.update(control.admin, member.accountId, { disabled: false });
    assert.ok((await accounts.byApiKey(apiKey, "::1")) !== undefined);
    assert.ok((await accounts.byCookie(cookie.expose(), "::1")) !== undefined);
  },
))
  test(...t);

for (const t of onBoth("an account's projects are set anew, all or none", async () => {
  await using control = await testControl();
  const { accounts, projects } = control.services;
  await projects.add(control.admin, { name: "shop" });
  const member = await control.member("someone", ["default"]);
  const set = async (...names: string[]) => {
    const account = await accounts.update(control.admin, member.accountId, { projects: names });
    return account.projects.map(({ name }) => name);
  };

  assert.deepEqual(await set("shop", "default", "shop"), ["default", "shop"]);
  await assert.rejects(set("shop", "nothing"), { code: "not_found" });
  assert.equal((await accounts.get(control.admin, member.accountId)).projects.length, 2);
  assert.deepEqual(await set(), []);
}))
  test(...t);

for (const t of onBoth(
  "administrators cannot remove or disable themselves, so one is always left",
  async () => {
    await using control = await testControl();
    const { accounts } = control.services;
    const { accountId } = control.admin;

    await assert.rejects(accounts.remove(control.admin, accountId), { code: "forbidden" });
    await assert.rejects(accounts.update(control.admin, accountId, { disabled: true }), {
      code: "forbidden",
    });
  },
))
  test(...t);

for (const t of onBoth(
  "an API key finds its account, with the projects it has now, until it is removed",
  async () => {
    await using control = await testControl();
    const { accounts } = control.services;
    const member = await control.member("someone", ["default"]);

    const key = await accounts.addApiKey(control.admin, member.accountId);
    const found = await accounts.byApiKey(key.apiKey, "198.51.100.1");

    assert.equal(found?.secretKey.expose(), key.secretKey);
    assert.deepEqual(found?.caller, { ...member, address: "198.51.100.1", apiKey: key.apiKey });
    assert.equal((await accounts.listApiKeys(control.admin, member.accountId)).length, 2);
    await assert.rejects(accounts.removeApiKey(control.admin, control.admin.accountId, key.apiKey), {
      code: "not_found",
    });
    await accounts.removeApiKey(control.admin, member.accountId, key.apiKey);
    assert.equal(await accounts.byApiKey(key.apiKey, "::1"), undefined);
  },
))
  test(...t);

for (const t of onBoth("a list of API keys tells no secret", async () => {
  await using control = await testControl();
  const { accounts } = control.services;
  const { secretKey } = await accounts.addApiKey(control.admin, control.admin.accountId);

  const list = await accounts.listApiKeys(control.admin, control.admin.accountId);

  assert.deepEqual(Object.keys(list[0] ?? {}).sort(), ["apiKey", "createdAt"]);
  assert.ok(!JSON.stringify(list).includes(secretKey));
}))
  test(...t);

for (const t of onBoth("a secret key that was moved to another API key does not open", async () => {
  await using control = await testControl();
  const { accounts } = control.services;
  const [one, two] = [
    await accounts.addApiKey(control.admin, control.admin.accountId),
    await accounts.addApiKey(control.admin, control.admin.accountId),
  ];
  const { db } = control.store;
  const { secret_sealed } = await db
    .selectFrom("api_keys")
    .select("secret_sealed")
    .where("api_key", "=", one.apiKey)
    .executeTakeFirstOrThrow();
  await db.updateTable("api_keys").set({ secret_sealed }).where("api_key", "=", two.apiKey).execute();

  await assert.rejects(accounts.byApiKey(two.apiKey, "::1"), /does not open/);
}))
  test(...t);

for (const t of onBoth("an account has at most 50 API keys", async () => {
  await using control = await testControl();
  const { accounts } = control.services;
  const add = async () => await accounts.addApiKey(control.admin, control.admin.accountId);
  for (let count = 1; count < 50; count++) await add();

  await assert.rejects(add(), { code: "limit_reached" });
}))
  test(...t);

for (const t of onBoth("a sign-in link is good for one cookie, however many follow it at once", async () => {
  await using control = await testControl();
  const { accounts } = control.services;
  const { url } = await accounts.signInLink(control.admin);
  assert.ok(url.startsWith(`${PUBLIC_ORIGIN}/#code=`));

  const results = await Promise.allSettled(
    Array.from({ length: 20 }, async () => await accounts.signIn(codeOf(url))),
  );

  const cookies = results.filter((result) => result.status === "fulfilled");
  assert.equal(cookies.length, 1);
  const caller = await accounts.byCookie(cookies[0]?.value.cookie.expose() ?? "", "192.0.2.1");
  const { apiKey: _, ...admin } = control.admin;
  assert.deepEqual(caller, admin);
}))
  test(...t);

for (const t of onBoth("an administrator makes sign-in links for others", async () => {
  await using control = await testControl();
  const { accounts } = control.services;
  const member = await control.member("someone", []);

  const { url } = await accounts.signInLink(control.admin, member.accountId);

  const { cookie } = await accounts.signIn(codeOf(url));
  const { apiKey: _, ...signedIn } = member;
  assert.deepEqual(await accounts.byCookie(cookie.expose(), member.address), signedIn);
  await assert.rejects(accounts.signInLink(control.admin, "nobody"), { code: "not_found" });
}))
  test(...t);

for (const t of onBoth("sign-in links last an hour, cookies twelve", async () => {
  await using control = await testControl();
  const { accounts } = control.services;
  const [first, second] = [
    await accounts.signInLink(control.admin),
    await accounts.signInLink(control.admin),
  ];

  control.clock.advance(HOUR_MS - 1);
  const { cookie, expiresAt } = await accounts.signIn(codeOf(first.url));
  control.clock.advance(1);
  await assert.rejects(accounts.signIn(codeOf(second.url)), { code: "sign_in_code_invalid" });

  assert.equal(expiresAt.getTime(), control.clock.now() - 1 + 12 * HOUR_MS);
  control.clock.advance(12 * HOUR_MS - 2);
  assert.ok(await accounts.byCookie(cookie.expose(), "::1"));
  control.clock.advance(1);
  assert.equal(await accounts.byCookie(cookie.expose(), "::1"), undefined);
}))
  test(...t);

for (const t of onBoth("a cookie ends with its sign-out", async () => {
  await using control = await testControl();
  const { accounts } = control.services;
  const { cookie } = await accounts.signIn(codeOf((await accounts.signInLink(control.admin)).url));

  await accounts.signOut(cookie.expose());
  await accounts.signOut(cookie.expose());

  assert.equal(await accounts.byCookie(cookie.expose(), "::1"), undefined);
}))
  test(...t);

for (const t of onBoth("of many sign-in links the oldest give way", async () => {
  await using control = await testControl();
  const { accounts } = control.services;
  const codes: string[] = [];
  for (let count = 0; count < 21; count++) {
    codes.push(codeOf((await accounts.signInLink(control.admin)).url));
    control.clock.advance(1);
  }

  const [oldest = "", next = ""] = codes;
  await assert.rejects(accounts.signIn(oldest), { code: "sign_in_code_invalid" });
  await accounts.signIn(next);
  await accounts.signIn(codes.at(-1) ?? "");
}))
  test(...t);

for (const t of onBoth("the database knows codes and cookies only by their hashes", async () => {
  await using control = await testControl();
  const { accounts } = control.services;
  const code = codeOf((await accounts.signInLink(control.admin)).url);
  const { cookie } = await accounts.signIn(codeOf((await accounts.signInLink(control.admin)).url));

  const rows = JSON.stringify([
    await control.store.db.selectFrom("sign_in_codes").selectAll().execute(),
    await control.store.db.selectFrom("web_sessions").selectAll().execute(),
  ]);

  assert.ok(!rows.includes(code));
  assert.ok(!rows.includes(cookie.expose()));
}))
  test(...t);

function codeOf(url: string): string {
  return new URLSearchParams(new URL(url).hash.slice(1)).get("code") ?? "";
}
