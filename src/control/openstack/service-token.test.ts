import assert from "node:assert/strict";
import { test } from "node:test";
import { testApi } from "../../../test/harness/api.ts";
import { testClock } from "../../../test/harness/test-clock.ts";
import { readCloud } from "./cloud.ts";
import type { CloudFile } from "./cloud-file.ts";
import { ServiceToken } from "./service-token.ts";

const COMPUTE = "http://127.0.0.1:9/v2.1";

/** As if it stood on disk, and was read each time. */
function fileOf(cloud: () => object): CloudFile {
  const reread = () => {
    const { caFile: _caFile, ...read } = readCloud(
      JSON.stringify({ clouds: { one: { compute_endpoint_override: COMPUTE, ...cloud() } } }),
    );
    return { ...read, ca: undefined };
  };
  return { current: reread(), reread };
}

test("a token is got by a password or an application credential, kept, and got anew before it ends and once it is refused", async () => {
  await using api = await testApi();
  const auth_url = `${api.origin}/identity/v3`;
  const { apiKey, secretKey } = api.keys;
  const ways = {
    password: {
      auth: { auth_url, username: apiKey, password: secretKey, project_name: "default" },
    },
    credential: {
      auth_type: "v3applicationcredential",
      auth: { auth_url, application_credential_id: apiKey, application_credential_secret: secretKey },
    },
  };
  for (const way of Object.values(ways)) {
    const clock = testClock();
    const service = new ServiceToken(
      fileOf(() => way),
      clock,
    );

    const first = await service.get();
    const { status } = await api.call("GET", "/identity/v3/auth/tokens", {
      headers: { "x-auth-token": first.expose(), "x-subject-token": first.expose() },
    });
    assert.equal(status, 200);
    assert.equal((await service.get()).expose(), first.expose());
    service.drop(first);
    const second = await service.get();
    assert.notEqual(second.expose(), first.expose());
    clock.advance(61 * 60 * 1000);
    assert.notEqual((await service.get()).expose(), second.expose());
  }
});

test("of many who need a token at once, one asks for it", async () => {
  await using api = await testApi();
  const { apiKey, secretKey } = api.keys;
  let read = 0;
  const service = new ServiceToken(
    fileOf(() => {
      read += 1;
      const auth_url = `${api.origin}/identity/v3`;
      return { auth: { auth_url, username: apiKey, password: secretKey, project_name: "default" } };
    }),
    testClock(),
  );
  read = 0;

  const tokens = await Promise.all(Array.from({ length: 20 }, async () => (await service.get()).expose()));

  assert.deepEqual([new Set(tokens).size, read], [1, 1]);
});

test("credentials that Keystone does not take are told from a Keystone that says nothing of use", async () => {
  await using api = await testApi();
  const { apiKey } = api.keys;
  const serviceOf = (auth_url: string) =>
    new ServiceToken(
      fileOf(() => ({ auth: { auth_url, username: apiKey, password: "s3cret", project_name: "default" } })),
      testClock(),
    );

  await assert.rejects(serviceOf(`${api.origin}/identity/v3`).get(), { code: "nova_refused" });
  await assert.rejects(serviceOf(`${api.origin}/nowhere/v3`).get(), { code: "nova_unreachable" });
  await assert.rejects(serviceOf("http://127.0.0.1:9/v3").get(), { code: "nova_unreachable" });
  assert.ok(!api.log().includes("s3cret"));
});
