import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import type { Vault } from "../vault/vault.ts";
import { createSignIn, sweepSignIns } from "./sign-in.ts";

/** More than an account's sessions of one kind. */
const MANY = 101;

for (const t of onBoth("codes and cookies that are over are forgotten, others stay", async () => {
  await using control = await testControl();
  const { accounts } = control.services;
  const cookie = await signIn(control);
  await accounts.signInLink(control.admin);
  control.clock.advance(3_600_000);
  await accounts.signInLink(control.admin);

  await sweepSignIns(control.store);

  const { db } = control.store;
  assert.equal((await db.selectFrom("sign_in_codes").select("hash").execute()).length, 1);
  assert.ok(await accounts.byCookie(cookie, "::1"));
  control.clock.advance(12 * 3_600_000);
  await sweepSignIns(control.store);
  assert.equal((await db.selectFrom("web_sessions").select("hash").execute()).length, 0);
}))
  test(...t);

for (const [many, few, title] of [
  [logIn, signIn, "a script that logs in over and over again signs nobody out of the pages, only itself"],
  [
    signIn,
    logIn,
    "a person who signs in over and over again ends no script's session, only their own oldest",
  ],
] as const)
  test(title, async () => {
    await using control = await testControl();
    const bystander = await few(control);

    const cookies: string[] = [];
    for (let count = 0; count < MANY; count++) cookies.push(await many(control));

    const [oldest = "", next = ""] = cookies;
    assert.ok(await isSignedIn(control, bystander));
    assert.equal(await isSignedIn(control, oldest), false);
    assert.ok(await isSignedIn(control, next));
    assert.ok(await isSignedIn(control, cookies.at(-1) ?? ""));
  });

for (const t of onBoth(
  "an unknown name costs the same comparison as a wrong secret, so that time tells nobody who has an account",
  async () => {
    await using control = await testControl();
    const { store, audit, services, clock, installation } = control;
    const someone = await services.accounts.add(control.admin, { name: "keyless", role: "member" });
    const opened: string[] = [];
    const vault: Vault = {
      ...installation.vault,
      open: (sealed, place) => {
        opened.push(place.column);
        return installation.vault.open(sealed, place);
      },
    };
    const { signInBySecret } = createSignIn({
      store,
      audit,
      vault,
      clock,
      callers: services.accounts,
      publicOrigin: () => "",
    });
    const comparisons = async (name: string) => {
      opened.length = 0;
      assert.equal(await signInBySecret(name, new Secret("wrong"), "::1"), undefined);
      return [...opened];
    };

    const wrong = await comparisons("admin");

    assert.deepEqual(wrong, ["secret_sealed"]);
    assert.deepEqual(await comparisons("nobody"), wrong);
    assert.deepEqual(await comparisons(someone.name), wrong);
  },
))
  test(...t);

/** At the pages, with the code of a link. */
async function signIn({ services: { accounts }, admin, clock }: TestControl): Promise<string> {
  clock.advance(1);
  const { url } = await accounts.signInLink(admin);
  return (await accounts.signIn(new URL(url).hash.slice("#code=".length))).cookie.expose();
}

/** As CloudStack's clients do, with the secret of a key. */
async function logIn({ services: { accounts }, admin, clock }: TestControl): Promise<string> {
  clock.advance(1);
  const [key] = await accounts.listApiKeys(admin, admin.accountId);
  const found = await accounts.byApiKey(key?.apiKey ?? "", "::1");
  const session = await accounts.signInBySecret("admin", found?.secretKey ?? new Secret(""), "::1");
  return session?.cookie.expose() ?? "";
}

async function isSignedIn({ services: { accounts } }: TestControl, cookie: string): Promise<boolean> {
  return (await accounts.byCookie(cookie, "::1")) !== undefined;
}
