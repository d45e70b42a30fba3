import assert from "node:assert/strict";
import { test } from "node:test";
import { testControl } from "../../../test/harness/control.ts";
import { sweepSignIns } from "./sign-in.ts";

test("codes and cookies that are over are forgotten, others stay", async () => {
  await using control = await testControl();
  const { accounts } = control.services;
  const used = await accounts.signInLink(control.admin);
  const { cookie } = await accounts.signIn(new URL(used.url).hash.slice("#code=".length));
  await accounts.signInLink(control.admin);
  control.clock.advance(3_600_000);
  await accounts.signInLink(control.admin);

  await sweepSignIns(control.store);

  const { db } = control.store;
  assert.equal((await db.selectFrom("sign_in_codes").select("hash").execute()).length, 1);
  assert.ok(await accounts.byCookie(cookie.expose(), "::1"));
  control.clock.advance(12 * 3_600_000);
  await sweepSignIns(control.store);
  assert.equal((await db.selectFrom("web_sessions").select("hash").execute()).length, 0);
});
