import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { testApi } from "../../../../test/harness/api.ts";
import { faultOf, novaCall, novaToken } from "../../../../test/harness/nova.ts";
import { scratch } from "../../../../test/harness/scratch.ts";
import { onBoth } from "../../../../test/harness/test-database.ts";

test("which versions there are is told to anybody, with links to where the request came", async () => {
  await using api = await testApi();
  const self = { rel: "self", href: `${api.origin}/compute/v2.1/` };

  for (const path of ["/compute", "/compute/"]) {
    const { json } = await api.call("GET", path);
    const [version] = (json as { versions: Record<string, unknown>[] }).versions;
    assert.deepEqual(
      [
        version?.["id"],
        version?.["status"],
        version?.["min_version"],
        version?.["version"],
        version?.["links"],
      ],
      ["v2.1", "CURRENT", "2.1", "2.104", [self]],
    );
  }
  for (const path of ["/compute/v2.1", "/compute/v2.1/"]) {
    const { status, json, headers } = await api.call("GET", path);
    const { version } = json as { version: Readonly<Record<string, unknown>> & { links: unknown[] } };
    assert.deepEqual([status, version["id"], version.links[0]], [200, "v2.1", self]);
    assert.deepEqual(version.links[1], {
      ...{ rel: "describedby", type: "text/html" },
      href: "https://docs.openstack.org/api-ref/compute/",
    });
    assert.equal(version["updated"], "2013-07-23T11:33:21Z");
    assert.deepEqual(version["media-types"], [
      { base: "application/json", type: "application/vnd.openstack.compute+json;version=2.1" },
    ]);
    assert.equal(headers.get("openstack-api-version"), null, "nobody has asked in a microversion");
  }
  const elsewhere = await api.call("GET", "/compute/v3/servers");
  assert.deepEqual([elsewhere.status, Object.keys(elsewhere.json as object)], [300, ["choices"]]);
});

test("microversions are taken from either header and said back in both, and those that there are not are refused", async () => {
  await using api = await testApi();
  const ask = async (headers: Readonly<Record<string, string>>) => {
    const reply = await novaCall(api, "GET", "/v2.1/servers", { headers });
    return { ...reply, version: reply.headers.get("x-openstack-nova-api-version") };
  };
  const standard = (value: string) => ({ "openstack-api-version": value });

  assert.equal((await ask({})).version, "2.1");
  assert.equal((await ask(standard("compute 2.8"))).version, "2.8");
  assert.equal((await ask(standard("volume 3.50, compute 2.8"))).version, "2.8");
  assert.equal((await ask(standard("volume 3.50"))).version, "2.1");
  assert.equal((await ask(standard("compute 2.8, compute 2.9"))).version, "2.9", "the last one counts");
  assert.equal((await ask(standard("compute latest"))).version, "2.104");
  assert.equal((await ask({ "x-openstack-nova-api-version": "2.9" })).version, "2.9");
  assert.equal(
    (await ask({ ...standard("compute 2.8"), "x-openstack-nova-api-version": "2.9" })).version,
    "2.8",
  );
  const told = (await ask(standard("compute 2.8"))).headers;
  assert.equal(told.get("openstack-api-version"), "compute 2.8");
  assert.equal(told.get("vary"), "OpenStack-API-Version, X-OpenStack-Nova-API-Version");
  for (const version of ["2.105", "2.200", "2.0", "3.1"]) {
    const refused = await ask(standard(`compute ${version}`));
    assert.deepEqual(faultOf(refused), [
      406,
      "computeFault",
      `Version ${version} is not supported by the API. Minimum is 2.1 and maximum is 2.104.`,
    ]);
  }
  for (const version of ["abc", "2", "2.01", "-2.1", "2.1.1"]) {
    const refused = await ask(standard(`compute ${version}`));
    assert.deepEqual(
      [...faultOf(refused), refused.version],
      [
        400,
        "badRequest",
        `API Version String ${version} is of invalid format. Must be of format MajorNum.MinorNum.`,
        null,
      ],
    );
  }
});

for (const t of onBoth(
  "a token is an API key with its secret key, and whoever has none learns nothing",
  async () => {
    await using api = await testApi();
    const { apiKey, secretKey } = api.keys;
    const ask = async (token: string, path = "/v2.1/servers") =>
      await novaCall(api, "GET", path, { as: token });

    assert.equal((await ask(novaToken(api.keys))).status, 200);
    for (const token of [
      "",
      "x",
      secretKey,
      `${apiKey}:`,
      `${apiKey}:wrong`,
      `:${secretKey}`,
      "x".repeat(2000),
    ])
      for (const path of ["/v2.1/servers", "/v2.1/servers/nothing", "/v2.1/nonsense"]) {
        const { status, json, headers } = await ask(token, path);
        assert.equal(status, 401, token);
        assert.equal((json as { error: { code: number } }).error.code, 401);
        assert.equal(headers.get("www-authenticate"), `Keystone uri="${api.origin}/identity/v3"`);
      }
    const { items } = await api.control.services.audit.list(api.control.admin, { action: "sign-in" });
    assert.ok(
      items.some((row) => row.api === "nova" && row.result === "unauthenticated" && row.apiKey === apiKey),
    );
    assert.ok(!api.log().includes(secretKey), "no secret stands in the log");
  },
))
  test(...t);

test("whoever guesses secrets is slowed down, and the right one waits with the wrong ones", async () => {
  await using api = await testApi();
  const ask = async (token: string) => await novaCall(api, "GET", "/v2.1/servers", { as: token });

  for (let guess = 0; guess < 20; guess += 1) assert.equal((await ask(`${api.keys.apiKey}:x`)).status, 401);

  const { status, json, headers } = await ask(novaToken(api.keys));
  assert.deepEqual([status, headers.get("retry-after")], [429, "60"]);
  assert.equal((json as { overLimit: { retryAfter: string } }).overLimit.retryAfter, "60");
});

test("a path that there is not is 404, and a method that it does not take 405 with those that it takes", async () => {
  // With the operator's pages, which have a word for every path as well.
  await using folder = scratch();
  writeFileSync(join(folder.path, "index.html"), "");
  await using api = await testApi({ webRoot: folder.path });

  for (const path of ["/compute/v3", "/compute/v3/servers", "/compute/flavors"])
    assert.equal((await api.call("GET", path)).status, 300, path);
  assert.equal((await api.call("GET", "/compute/v2.1/flavors")).status, 401);
  const identity = await api.call("GET", "/identity/v3/users");
  assert.equal((identity.json as { error: { title: string } }).error.title, "Not Found");
  assert.deepEqual(faultOf(await novaCall(api, "GET", "/v2.1/flavors")), [
    404,
    "itemNotFound",
    "The resource could not be found.",
  ]);
  const refused = await novaCall(api, "PUT", "/v2.1/servers");
  assert.deepEqual(
    [...faultOf(refused), refused.headers.get("allow")],
    [405, "badMethod", "The method PUT is not allowed for this resource.", "GET"],
  );
});

test("every answer has a reference, is kept by nobody, and says in which microversion it is, faults as well", async () => {
  await using api = await testApi();

  for (const [path, status] of [
    ["/v2.1/servers", 200],
    ["/v2.1/servers/nothing", 404],
    ["/v2.1/nonsense", 404],
  ] as const) {
    const reply = await novaCall(api, "GET", path, { version: "2.9" });
    assert.equal(reply.status, status);
    assert.match(reply.headers.get("x-openstack-request-id") ?? "", /^req-\S+$/);
    assert.equal(reply.headers.get("cache-control"), "no-store");
    assert.equal(reply.headers.get("openstack-api-version"), "compute 2.9");
    assert.equal(reply.headers.get("x-openstack-nova-api-version"), "2.9");
  }
});

test("without a version in the path the one that there is is meant, for clients whose endpoint has none", async () => {
  await using api = await testApi();
  await api.control.node();
  const { id, name } = await api.control.machine({ name: "db-1" });
  const body = { remote_console: { protocol: "vnc", type: "novnc" } };

  const { json } = await novaCall(api, "GET", "/servers?name=db-1");
  assert.deepEqual(
    (json as { servers: { name: string; links: { href: string }[] }[] }).servers.map((server) => [
      server.name,
      server.links[0]?.href,
    ]),
    [[name, `${api.origin}/compute/v2.1/servers/${id}`]],
  );
  assert.equal(
    (await novaCall(api, "POST", `/servers/${id}/remote-consoles`, { body, version: "2.8" })).status,
    200,
  );
  assert.equal((await api.call("GET", "/compute/servers")).status, 401);
  assert.equal((await novaCall(api, "PUT", "/servers")).status, 405);
  assert.deepEqual(faultOf(await novaCall(api, "GET", "/servers/x/nonsense")), [
    404,
    "itemNotFound",
    "The resource could not be found.",
  ]);
});
