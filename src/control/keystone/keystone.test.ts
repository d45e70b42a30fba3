import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { startKeystoneDouble } from "../../../test/harness/keystone-double.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import type { Caller } from "../services.ts";
import { sweepKeystoneRights } from "./held.ts";

const FROM = { address: "192.0.2.9", api: "nova", reference: "ref-9" } as const;

async function world() {
  const opened = new AsyncDisposableStack();
  const control = opened.use(await testControl());
  const keystone = opened.use(await startKeystoneDouble(() => control.clock.now()));
  const { services, admin } = control;
  const shop = await services.projects.add(admin, { name: "shop" });
  const machine = await control.machine({ project: "shop" });
  const node = await control.node();
  await services.keystone.configure(
    admin,
    keystone.configuration({ projects: [{ keystone: "Default/shop", project: "shop" }] }),
  );
  keystone.tokens.set("alice-1", { user: "alice", project: "shop", roles: ["member", "reader"] });
  const ownerOf = async (token: string) => await services.keystone.callerOf(new Secret(token), FROM);
  const callerOf = async (token: string): Promise<Caller> => {
    const owner = await ownerOf(token);
    return typeof owner === "string" ? assert.fail(owner) : owner;
  };
  /** Redeems it, as its node would. */
  const redeem = async (sessionId: string) =>
    await control.link.redeem(node.id, {
      ...{ incarnation: node.incarnation, sessionId, attachment: 1, viewerAddress: "192.0.2.9" },
    });
  const open = async (caller: Caller, machineId = machine.id) =>
    await services.consoles.open(caller, { machineId, api: "nova" });
  return {
    ...{ control, keystone, services, admin, shop, machine, ownerOf, callerOf, open, redeem },
    [Symbol.asyncDispose]: async () => await opened.disposeAsync(),
  };
}

async function sessionOf({ services, admin }: Pick<TestControl, "services" | "admin">, id: string) {
  const { state, ending } = await services.sessions.get(admin, id);
  return { state, code: ending?.code };
}

for (const t of onBoth("a token makes of its bearer a member of the project that it is for", async () => {
  await using w = await world();
  const { services, admin, shop } = w;
  const foreign = await w.control.machine();

  const alice = await w.callerOf("alice-1");

  assert.deepEqual([alice.name, alice.role, alice.projectIds], ["alice@Default", "member", [shop.id]]);
  assert.deepEqual([alice.address, alice.api, alice.reference], [FROM.address, FROM.api, FROM.reference]);
  const { sessionId } = await w.open(alice);
  await w.redeem(sessionId);
  await assert.rejects(w.open(alice, foreign.id), { code: "not_found" });
  const [issued] = (await services.audit.list(admin, { action: "console.issue" })).items;
  assert.deepEqual([issued?.account, issued?.accountId], ["alice@Default", alice.accountId]);
  assert.deepEqual((await w.callerOf("alice-1")).accountId, alice.accountId);
}))
  test(...t);

for (const t of onBoth(
  "who may only read opens nothing, and who may only look opens to look at",
  async () => {
    await using w = await world();
    const { services, admin, keystone } = w;
    keystone.tokens.set("rita-1", { user: "rita", project: "shop", roles: ["reader"] });
    keystone.tokens.set("vera-1", { user: "vera", project: "shop", roles: ["Watcher"] });
    await services.keystone.configure(admin, { roles: [{ role: "WATCHER", right: "viewer" }] });

    const rita = await w.callerOf("rita-1");
    const vera = await w.callerOf("vera-1");

    assert.equal((await services.machines.list(rita, {})).items.length, 1);
    await assert.rejects(w.open(rita), { code: "forbidden" });
    await assert.rejects(services.machines.screenshot(rita, w.machine.id), { code: "forbidden" });
    await assert.rejects(services.consoleOutputs.read(rita, w.machine.id), { code: "forbidden" });
    await assert.rejects(services.machines.power(vera, w.machine.id, "start"), { code: "forbidden" });
    const { sessionId } = await w.open(vera);
    const { rights } = await w.redeem(sessionId);
    assert.deepEqual([rights.input, rights.clipboardIn, rights.power], [false, false, false]);
  },
))
  test(...t);

for (const t of onBoth(
  "of what Keystone says less of, consoles end, and what is issued is not redeemed",
  async () => {
    await using w = await world();
    const { control, keystone } = w;
    const alice = await w.callerOf("alice-1");
    const open = await w.open(alice);
    await w.redeem(open.sessionId);
    const unused = await w.open(alice);

    keystone.tokens.set("alice-2", { user: "alice", project: "shop", roles: ["accounting"] });
    await assert.rejects(w.ownerOf("alice-2"), {
      code: "forbidden",
      detail: "none of the Keystone token's roles comes to a right here",
    });

    assert.deepEqual(await sessionOf(control, unused.sessionId), {
      state: "ended",
      code: "access_withdrawn",
    });
    assert.equal((await sessionOf(control, open.sessionId)).state, "closing");
    await assert.rejects(w.redeem(unused.sessionId), { code: /access_withdrawn|ticket_used|ticket_expired/ });
  },
))
  test(...t);

for (const t of onBoth("who may only look by now does not open again what was open to work at", async () => {
  await using w = await world();
  const { services, admin, keystone, control } = w;
  await services.keystone.configure(admin, { roles: [{ role: "watcher", right: "viewer" }] });
  const reopened = async (credential: string) =>
    await control.link.reopen({ credential, viewerAddress: FROM.address });
  const worked = await w.redeem((await w.open(await w.callerOf("alice-1"))).sessionId);

  keystone.tokens.set("alice-2", { user: "alice", project: "shop", roles: ["watcher"] });
  const watched = await w.redeem((await w.open(await w.callerOf("alice-2"))).sessionId);

  await assert.rejects(reopened(worked.reopen), { code: "access_withdrawn" });
  assert.match((await reopened(watched.reopen)).url, /token=/);
}))
  test(...t);

for (const t of onBoth(
  "where a role comes to less than it did, consoles end with their user's next token",
  async () => {
    await using w = await world();
    const { services, admin, control, keystone } = w;
    const { sessionId } = await w.open(await w.callerOf("alice-1"));
    await w.redeem(sessionId);

    await services.keystone.configure(admin, { roles: [{ role: "member", right: "viewer" }] });
    const watched = await w.open(await w.callerOf("alice-1"));

    assert.deepEqual(await sessionOf(control, sessionId), { state: "closing", code: "access_withdrawn" });
    assert.equal((await sessionOf(control, watched.sessionId)).state, "pending");
    await services.keystone.configure(admin, { roles: [{ role: "member", right: null }] });
    keystone.tokens.set("alice-2", { user: "alice", project: "shop", roles: ["member"] });
    await assert.rejects(w.ownerOf("alice-2"), { code: "forbidden" });
    assert.deepEqual(await sessionOf(control, watched.sessionId), {
      state: "ended",
      code: "access_withdrawn",
    });
  },
))
  test(...t);

for (const t of onBoth("what one Keystone has said is worth nothing once another is asked", async () => {
  await using w = await world();
  const { services, admin } = w;
  const { sessionId } = await w.open(await w.callerOf("alice-1"));

  await services.keystone.configure(admin, { url: "https://other.example.com/identity/v3" });

  await assert.rejects(w.redeem(sessionId), { code: "access_withdrawn" });
}))
  test(...t);

for (const t of onBoth("a right that Keystone has not said for a day redeems nothing", async () => {
  await using w = await world();
  const { store, clock } = w.control;
  const alice = await w.callerOf("alice-1");
  const [first, second] = [await w.open(alice), await w.open(alice)];
  const saidAgo = async (ms: number) =>
    await store.db
      .updateTable("keystone_rights")
      .set({ seen_at: clock.now() - ms })
      .execute();

  await saidAgo(24 * 3_600_000 - 60_000);
  await w.redeem(first.sessionId);
  await saidAgo(24 * 3_600_000);

  await assert.rejects(w.redeem(second.sessionId), { code: "access_withdrawn" });
  await sweepKeystoneRights(store);
  assert.deepEqual(await store.db.selectFrom("keystone_rights").selectAll().execute(), []);
}))
  test(...t);

for (const t of onBoth(
  "an administrator there is one here where the operator says so, and no sooner",
  async () => {
    await using w = await world();
    const { services, admin, keystone } = w;
    keystone.tokens.set("root-1", { user: "root", project: "admin", roles: ["admin", "member"] });

    await assert.rejects(w.ownerOf("root-1"), {
      detail: "the Keystone project admin-id is mapped to none here",
    });
    await services.keystone.configure(admin, { roles: [{ role: "admin", right: "admin" }] });
    const root = await w.callerOf("root-1");

    assert.equal(root.role, "admin");
    await w.redeem((await w.open(root)).sessionId);
    await services.keystone.configure(admin, { roles: [{ role: "admin", right: null }] });
    await assert.rejects(w.ownerOf("root-1"), { code: "forbidden" });
  },
))
  test(...t);

for (const t of onBoth("projects are made where that is wanted, by a name that nobody has", async () => {
  await using w = await world();
  const { services, admin, keystone } = w;
  keystone.tokens.set("dora-1", { user: "dora", project: "default", roles: ["member"] });
  keystone.tokens.set("emil-1", { user: "emil", project: "lab", roles: ["member"] });
  await services.keystone.configure(admin, { makesProjects: true });

  const [dora, again] = await Promise.all([w.callerOf("dora-1"), w.callerOf("dora-1")]);
  const emil = await w.callerOf("emil-1");

  assert.deepEqual(dora, again);
  const names = (await services.projects.list(admin, {})).items.map(({ name }) => name);
  assert.deepEqual(names, ["default", "default (Default)", "lab", "shop"]);
  assert.equal(emil.projectIds.length, 1);
  assert.deepEqual((await services.keystone.show(admin)).projects, [
    { keystone: "Default/shop", project: "shop", made: false },
    { keystone: "default-id", project: "default (Default)", made: true },
    { keystone: "lab-id", project: "lab", made: true },
  ]);
}))
  test(...t);

for (const t of onBoth("a project that is unmapped lets nobody in, and its consoles end", async () => {
  await using w = await world();
  const { services, admin, control } = w;
  const { sessionId } = await w.open(await w.callerOf("alice-1"));
  const mine = await services.consoles.open(admin, { machineId: w.machine.id, api: "native" });

  await services.keystone.configure(admin, { projects: [{ keystone: "Default/shop", project: null }] });

  assert.deepEqual(await sessionOf(control, sessionId), { state: "ended", code: "access_withdrawn" });
  assert.equal((await sessionOf(control, mine.sessionId)).state, "pending");
  await assert.rejects(w.ownerOf("alice-1"), { code: "forbidden" });
  await assert.rejects(
    services.keystone.configure(admin, { projects: [{ keystone: "Default/shop", project: null }] }),
    { code: "not_found" },
  );
}))
  test(...t);

for (const t of onBoth(
  "once it is off its tokens are nobody's, and its users and their consoles are gone",
  async () => {
    await using w = await world();
    const { services, admin, control } = w;
    const alice = await w.callerOf("alice-1");
    const { sessionId } = await w.open(alice);

    await services.keystone.disable(admin);

    assert.equal(await w.ownerOf("alice-1"), "unknown");
    assert.deepEqual(await sessionOf(control, sessionId), { state: "ended", code: "access_withdrawn" });
    await assert.rejects(services.accounts.get(admin, alice.accountId), { code: "not_found" });
    assert.deepEqual(await services.keystone.show(admin), { state: "off" });
    assert.equal(await services.keystone.publicUrl(), undefined);
  },
))
  test(...t);

for (const t of onBoth(
  "an account that is disabled here comes in no more, whatever is remembered, and its consoles end",
  async () => {
    await using w = await world();
    const { services, admin, keystone, control } = w;
    const alice = await w.callerOf("alice-1");
    const { accountId } = alice;
    const open = await w.open(alice);
    await w.redeem(open.sessionId);
    const pending = await w.open(alice);
    const mine = await w.open(admin);

    await services.accounts.update(admin, accountId, { disabled: true });

    for (const { sessionId } of [open, pending])
      assert.equal((await sessionOf(control, sessionId)).code, "access_withdrawn");
    await assert.rejects(w.redeem(pending.sessionId), { code: "access_withdrawn" });
    assert.equal((await sessionOf(control, mine.sessionId)).state, "pending");

    await assert.rejects(w.ownerOf("alice-1"), {
      code: "forbidden",
      detail: "the account is disabled, or was removed",
    });
    assert.equal(keystone.asked, 1);
  },
))
  test(...t);
