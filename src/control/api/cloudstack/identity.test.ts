import assert from "node:assert/strict";
import { test } from "node:test";
import { cloudStackQuery, testApi } from "../../../../test/harness/api.ts";
import { cloudStackCall } from "../../../../test/harness/cloudstack-call.ts";

test("ApiServletTest.processRequestInContextUnauthorizedGET: 401, and nothing was done", async () => {
  await using api = await testApi();
  const { admin, services, node, machine } = api.control;
  await node();
  const { id } = await machine();

  const { status } = await cloudStackCall(
    api,
    { command: "createConsoleEndpoint", virtualmachineid: id },
    { ...api.keys, secretKey: "wrong" },
  );

  assert.equal(status, 401);
  assert.deepEqual((await services.sessions.list(admin, {})).items, []);
});

test("ApiServletTest.processRequestInContextAuthorizedGet: 200, and it was done once", async () => {
  await using api = await testApi();
  const { admin, services, node, machine } = api.control;
  await node();
  const { id } = await machine();

  const { status } = await cloudStackCall(api, { command: "createConsoleEndpoint", virtualmachineid: id });

  assert.equal(status, 200);
  assert.equal((await services.sessions.list(admin, {})).items.length, 1);
});

/** CloudStack believes them of those whom `proxy.cidr` names; there is no such setting here. */
const BELIEVED_BY_CLOUDSTACK: readonly [origin: string, headers: Readonly<Record<string, string>>][] = [
  ["getClientAddressWithXForwardedFor", { "x-forwarded-for": "192.168.1.1" }],
  ["getClientAddressWithHttpXForwardedFor", { http_x_forwarded_for: "192.168.1.1" }],
  ["getClientAddressWithHttpClientIp", { http_client_ip: "192.168.1.1" }],
  ["getClientAddressWithRemoteAddr", { "x-forwarded-for": "not an address" }],
  ["getClientAddressDefault", {}],
];

for (const [origin, headers] of BELIEVED_BY_CLOUDSTACK) {
  test(`ApiServletTest.${origin}: who asks is who connected, with the headers ${JSON.stringify(headers)}`, async () => {
    await using api = await testApi();
    const { admin, services, node, machine } = api.control;
    await node();
    const { id } = await machine();
    const query = cloudStackQuery(api.keys, { command: "createConsoleEndpoint", virtualmachineid: id });

    await api.call("GET", `/client/api?${query}`, { headers });

    const { items } = await services.sessions.list(admin, {});
    assert.deepEqual(
      items.map(({ creatorAddress }) => creatorAddress),
      ["127.0.0.1"],
    );
  });
}
