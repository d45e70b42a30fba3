import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { KeystoneTest } from "#wire/keystone.ts";
import { eventually } from "../harness/eventually.ts";
import { novaToken } from "../harness/nova.ts";
import { type KeystonePeer, lackingKeystone } from "./keystone.ts";
import { ALICE, type KeystoneStage, SERVICE, startKeystoneStage } from "./keystone-stage.ts";

describe("a Keystone that is away, or minds", { skip: lackingKeystone }, () => {
  let stage: KeystoneStage;
  let keystone: KeystonePeer;
  let porthole: KeystoneStage["porthole"];
  before(async () => {
    stage = await startKeystoneStage();
    ({ keystone, porthole } = stage);
    await stage.configure({
      ...{ url: keystone.url, caCertificate: keystone.ca },
      credentials: { username: SERVICE.user, project: SERVICE.project, password: SERVICE.password },
      projects: [{ keystone: "Default/shop", project: "shop" }],
    });
  });
  after(async () => await stage?.[Symbol.asyncDispose]());

  test("while Keystone hangs its users are told that it does, and everybody else goes on", async () => {
    const { secretKey, apiKey } = porthole;
    const [known, unknown] = [await keystone.token(ALICE), await keystone.token(ALICE)];
    await porthole.api.call("PUT", "settings/identity.keystone.cache", { value: "300000" });
    assert.equal((await stage.servers(known)).status, 200);

    process.kill(keystone.process.pid, "SIGSTOP");
    const hanging = stage.servers(unknown);
    const ours = await stage.servers(novaToken({ apiKey, secretKey }));
    const remembered = await stage.servers(known);
    const answer = await hanging;
    process.kill(keystone.process.pid, "SIGCONT");

    assert.deepEqual([ours.status, remembered.status, answer.status], [200, 200, 503]);
    assert.deepEqual(await answer.json(), {
      serviceUnavailable: {
        code: 503,
        message: "The Keystone service is temporarily unavailable.",
      },
    });
    await eventually(async () => assert.equal((await stage.servers(unknown)).status, 200));
  });

  test("while Keystone is down its users are told so, and when it is back all goes on by itself", async () => {
    const token = await keystone.token(ALICE);
    await keystone.kill();

    const answer = await stage.servers(token);
    const tested = await porthole.api.call<KeystoneTest>("POST", "keystone/test");
    await keystone.restart();

    assert.equal(answer.status, 503);
    assert.equal(tested.failedStep, "tcp");
    assert.match(tested.detail ?? "", /ECONNREFUSED/);
    await eventually(async () => assert.equal((await stage.servers(token)).status, 200));
    assert.match(porthole.process.stderr.text, /Keystone could not be asked about a token/);
  });

  test("control signs in anew where Keystone takes back what it gave it", async () => {
    assert.equal((await stage.servers(await keystone.token(ALICE))).status, 200);
    const { users } = await keystone.call<{ readonly users: readonly { readonly id: string }[] }>(
      "GET",
      `/users?name=${SERVICE.user}`,
    );
    // Whoever is disabled has no token any more when he is enabled again.
    for (const enabled of [false, true])
      await keystone.call("PATCH", `/users/${users[0]?.id}`, { user: { enabled } });

    // Keystone counts in seconds: what it gives out in the one in which it took something back, it takes back as well.
    await eventually(async () =>
      assert.equal((await stage.servers(await keystone.token(ALICE))).status, 200),
    );
  });

  test("a user without the role service cannot vouch for tokens, and the log says what it lacks", async () => {
    await keystone.assign(SERVICE, "accounting");
    await keystone.assign(SERVICE, "service", "DELETE");

    const tested = await porthole.api.call<KeystoneTest>("POST", "keystone/test");
    const answer = await stage.servers(await keystone.token(ALICE));
    await keystone.assign(SERVICE, "service");

    assert.match(tested.detail ?? "", /^none of its roles is service or admin/);
    assert.equal(answer.status, 503);
    assert.ok(porthole.process.stderr.text.includes("give it the role service or admin"), "the log says it");
  });

  test("no token and no password stands in any log", () => {
    const said = `${porthole.process.stdout.text}${porthole.process.stderr.text}`;

    assert.ok(!porthole.process.stderr.dropped && said.length > 0);
    assert.doesNotMatch(said, /gAAAAA/);
    for (const { password } of [SERVICE, ALICE, keystone.admin]) assert.ok(!said.includes(password));
  });
});
