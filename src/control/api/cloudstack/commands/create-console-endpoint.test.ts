import assert from "node:assert/strict";
import { test } from "node:test";
import { type Keys, type TestApi, testApi } from "../../../../../test/harness/api.ts";
import { cloudStackCall } from "../../../../../test/harness/cloudstack-call.ts";

// CloudStack's own test cases; what this command answers otherwise is in ../cloudstack.test.ts.

interface Endpoint {
  readonly success: boolean;
  readonly details?: string;
  readonly url?: string;
  readonly websocket?: Readonly<Record<string, string>>;
}

async function ask(api: TestApi, virtualmachineid: string, { keys = api.keys, ...more }: Asked = {}) {
  const command = { command: "createConsoleEndpoint", virtualmachineid, ...more };
  const { status, content } = await cloudStackCall(api, command, keys);
  assert.equal(status, 200);
  return content["consoleendpoint"] as Endpoint;
}

interface Asked {
  readonly keys?: Keys;
  readonly token?: string;
}

/** A user with a machine, another user, and a machine of the operator's own. */
async function world(api: TestApi) {
  const { admin, services, machine, node } = api.control;
  await node();
  const project = await services.projects.add(admin, { name: "theirs" });
  const internal = await services.projects.add(admin, { name: "system" });
  return {
    owner: await api.member("owner", [project.id]),
    other: await api.member("other", []),
    owned: await machine({ project: project.id }),
    system: await machine({ project: internal.id }),
  };
}

test("ConsoleAccessManagerImplTest.testCheckSessionPermissionAdminAccount: an administrator opens all", async () => {
  await using api = await testApi();
  const { owned, system } = await world(api);

  for (const { id } of [owned, system]) assert.equal((await ask(api, id)).success, true);
});

test("ConsoleAccessManagerImplTest.testCheckSessionPermissionUserOwnedVm: a user opens its own", async () => {
  await using api = await testApi();
  const { owner, owned } = await world(api);

  assert.equal((await ask(api, owned.id, { keys: owner })).success, true);
});

test("ConsoleAccessManagerImplTest.testCheckSessionPermissionDifferentUserOwnedVm: and not another's", async () => {
  await using api = await testApi();
  const { other, owned } = await world(api);

  const { success, details } = await ask(api, owned.id, { keys: other });

  assert.deepEqual([success, details], [false, "Permission denied"]);
});

// Machines have no types here: the operator's own are those of a project that no user belongs to.
test("ConsoleAccessManagerImplTest.testCheckSessionPermissionForUsersOnSystemVms: nor the operator's", async () => {
  await using api = await testApi();
  const { owner, system } = await world(api);

  const { success, details } = await ask(api, system.id, { keys: owner });

  assert.deepEqual([success, details], [false, "Permission denied"]);
});

test("ConsoleAccessManagerImplTest, composeConsoleAccessEndpoint: a session is kept, and the viewer told all", async () => {
  await using api = await testApi();
  const { owner, owned } = await world(api);

  const { success, websocket } = await ask(api, owned.id, { keys: owner, token: "extra" });

  assert.equal(success, true);
  const { token, ...place } = websocket ?? {};
  assert.deepEqual(place, { host: "node.example.com", port: "8080", path: "websockify", extra: "extra" });
  assert.match(token ?? "", /./);
  const { admin, services } = api.control;
  const { items } = await services.sessions.list(admin, {});
  assert.deepEqual(
    items.map(({ machineId, account, state }) => [machineId, account, state]),
    [[owned.id, "owner", "pending"]],
  );
});

test("test_console_endpoint.test_console_endpoint_permissions: a URL for the owner, and none for another", async () => {
  await using api = await testApi();
  const { owner, other, owned } = await world(api);

  const own = await ask(api, owned.id, { keys: owner });
  const foreign = await ask(api, owned.id, { keys: other });

  assert.equal(own.success, true);
  assert.notEqual(own.url ?? "", "");
  assert.deepEqual([foreign.success, foreign.url], [false, undefined]);
});
