import assert from "node:assert/strict";
import { test } from "node:test";
import { type TestApi, testApi } from "../../../../test/harness/api.ts";
import { faultOf, novaCall } from "../../../../test/harness/nova.ts";
import { onBoth } from "../../../../test/harness/test-database.ts";

interface Listed {
  readonly servers: readonly { readonly id: string; readonly name: string }[];
  readonly servers_links?: readonly { readonly rel: string; readonly href: string }[];
}

async function names(api: TestApi, query: string, as?: TestApi["keys"]): Promise<string[]> {
  const { status, json } = await novaCall(
    api,
    "GET",
    `/v2.1/servers${query}`,
    as === undefined ? {} : { as },
  );
  assert.equal(status, 200);
  return (json as Listed).servers.map(({ name }) => name);
}

for (const t of onBoth(
  "servers are the machines that the caller may see, by name, state and project",
  async () => {
    await using api = await testApi();
    const { admin, services, machine } = api.control;
    const { id: project } = await services.projects.add(admin, { name: "theirs" });
    const owner = await api.member("owner", [project]);
    const stranger = await api.member("stranger", []);
    const { id } = await machine({ name: "db-1", project });
    await machine({ name: "db-10", project });
    await machine({ name: "web-1" });
    await services.machines.update(admin, id, { state: "stopped" });

    assert.deepEqual(await names(api, ""), ["db-1", "db-10", "web-1"]);
    assert.deepEqual(await names(api, "", owner), ["db-1", "db-10"]);
    assert.deepEqual(await names(api, "", stranger), []);
    assert.deepEqual(await names(api, "?name=db-1"), ["db-1", "db-10"]);
    assert.deepEqual(await names(api, "?name=%5Edb%5C-1%24"), ["db-1"]);
    assert.deepEqual(await names(api, "?status=SHUTOFF"), ["db-1"]);
    assert.deepEqual(await names(api, "?status=ACTIVE&name=db"), ["db-10"]);
    assert.deepEqual(await names(api, "?status=ERROR"), []);
    assert.deepEqual(await names(api, `?project_id=${project}`), ["db-1", "db-10"]);
    assert.deepEqual(await names(api, `?tenant_id=${project}`), ["db-1", "db-10"]);
    assert.deepEqual(await names(api, "?flavor=m1&all_tenants=1&name=web"), ["web-1"], "what is not known");
    assert.deepEqual(await names(api, `?project_id=${project}`, stranger), []);
    const shown = await novaCall(api, "GET", `/v2.1/servers/${id}`, { as: owner });
    const { server } = shown.json as { server: Record<string, unknown> };
    assert.deepEqual(
      [server["id"], server["name"], server["status"], server["tenant_id"]],
      [id, "db-1", "SHUTOFF", project],
    );
    for (const [who, server] of [
      [stranger, id],
      [owner, "nothing"],
    ] as const)
      assert.deepEqual(faultOf(await novaCall(api, "GET", `/v2.1/servers/${server}`, { as: who })), [
        404,
        "itemNotFound",
        `Instance ${server} could not be found.`,
      ]);
  },
))
  test(...t);

for (const t of onBoth("a list is read page by page, behind a server that the caller may see", async () => {
  await using api = await testApi();
  const { machine } = api.control;
  const made = ["a", "b", "c"];
  const ids = new Map<string, string>();
  for (const name of made) ids.set(name, (await machine({ name })).id);
  const stranger = await api.member("stranger", []);

  const seen: string[] = [];
  let path = "/v2.1/servers/detail?limit=2";
  for (;;) {
    const { json } = await novaCall(api, "GET", path);
    const { servers, servers_links: [next] = [] } = json as Listed;
    seen.push(...servers.map(({ name }) => name));
    if (next === undefined) break;
    assert.equal(next.rel, "next");
    assert.ok(next.href.startsWith(`${api.origin}/compute/v2.1/servers/detail?limit=2&marker=`), next.href);
    path = next.href.slice(`${api.origin}/compute`.length);
  }

  assert.deepEqual(seen, made);
  assert.deepEqual(await names(api, `?marker=${ids.get("a")}`), ["b", "c"]);
  assert.deepEqual(await names(api, `?limit=0`), made);
  assert.deepEqual(await names(api, `?limit=5000`), made);
  for (const as of [api.keys, stranger]) {
    const marker = as === stranger ? ids.get("a") : "nothing";
    assert.deepEqual(faultOf(await novaCall(api, "GET", `/v2.1/servers?marker=${marker}`, { as })), [
      400,
      "badRequest",
      `marker [${marker}] not found`,
    ]);
  }
  assert.match(faultOf(await novaCall(api, "GET", "/v2.1/servers?limit=-1"))[2], /'-1' does not match/);
}))
  test(...t);

test("whether a machine runs is said in each of Nova's words for it", async () => {
  await using api = await testApi();
  const { id } = await api.control.machine();
  const said = async () => {
    const { json } = await novaCall(api, "GET", `/v2.1/servers/${id}`);
    const { server } = json as { server: Record<string, unknown> };
    return ["status", "OS-EXT-STS:vm_state", "OS-EXT-STS:power_state", "OS-EXT-STS:task_state"].map(
      (name) => server[name],
    );
  };

  assert.deepEqual(await said(), ["ACTIVE", "active", 1, null]);
  await api.control.services.machines.update(api.control.admin, id, { state: "stopped" });
  assert.deepEqual(await said(), ["SHUTOFF", "stopped", 4, null]);
});

test("what clients take for granted of a server is there, in the shape of its microversion", async () => {
  await using api = await testApi();
  const { id } = await api.control.machine({ name: "ä b" });
  const show = async (version: string) => {
    const { json } = await novaCall(api, "GET", `/v2.1/servers/${id}`, { version });
    return (json as { server: Record<string, unknown> }).server;
  };

  const server = await show("2.1");
  assert.deepEqual(Object.keys(server["flavor"] as object), ["id", "links"]);
  assert.match(String(server["created"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.deepEqual(server["links"], [
    { rel: "self", href: `${api.origin}/compute/v2.1/servers/${id}` },
    { rel: "bookmark", href: `${api.origin}/compute/servers/${id}` },
  ]);
  assert.ok(Object.hasOwn((await show("2.47"))["flavor"] as object, "original_name"));
  const { json } = await novaCall(api, "GET", "/v2.1/servers/detail");
  assert.deepEqual(
    (json as { servers: unknown[] }).servers,
    [server],
    "a list in detail says the same of it",
  );
  const { json: list } = await novaCall(api, "GET", "/v2.1/servers");
  assert.deepEqual(Object.keys((list as { servers: object[] }).servers[0] ?? {}), ["id", "name", "links"]);
  const byName = await novaCall(api, "GET", `/v2.1/servers/${encodeURIComponent("ä".repeat(128))}`);
  assert.equal(byName.status, 404);
});
