import assert from "node:assert/strict";
import { test } from "node:test";
import { readCloud } from "./cloud.ts";

const COMPUTE = "https://nova.example.com:8774/v2.1";

function cloudOf(cloud: object): ReturnType<typeof readCloud> {
  return readCloud(JSON.stringify({ clouds: { one: cloud } }));
}

function requestOf(cloud: object): unknown {
  const { auth } = cloudOf(cloud);
  assert.equal(auth.kind, "keystone");
  return auth.kind === "keystone" ? { url: auth.url.href, ...JSON.parse(auth.request.expose()) } : {};
}

test("a clouds.yaml says where Nova is, and how Keystone is asked for a token", () => {
  const compute = { compute_endpoint_override: `${COMPUTE}/` };
  const password = { auth_url: "https://keystone.example.com:5000", username: "porthole", password: "p" };

  assert.equal(
    cloudOf({ ...compute, cacert: "ca.pem", auth: { ...password, project_id: "7" } }).compute.href,
    COMPUTE,
  );
  assert.deepEqual(
    requestOf({ ...compute, auth: { ...password, project_name: "service", user_domain_name: "ops" } }),
    {
      url: "https://keystone.example.com:5000/v3",
      auth: {
        identity: {
          methods: ["password"],
          password: { user: { name: "porthole", domain: { name: "ops" }, password: "p" } },
        },
        scope: { project: { name: "service", domain: { id: "default" } } },
      },
    },
  );
  assert.deepEqual(
    requestOf({
      ...compute,
      auth_type: "v3applicationcredential",
      auth: {
        auth_url: "https://keystone.example.com/identity/v3/",
        application_credential_id: "ac",
        application_credential_secret: "s3",
      },
    }),
    {
      url: "https://keystone.example.com/identity/v3",
      auth: {
        identity: { methods: ["application_credential"], application_credential: { id: "ac", secret: "s3" } },
      },
    },
  );
});

test("a token may stand in it in place of credentials, beside where Nova is", () => {
  const { compute, auth } = cloudOf({ auth_type: "admin_token", auth: { endpoint: COMPUTE, token: "t0" } });

  assert.deepEqual([compute.href, auth.kind === "token" && auth.token.expose()], [COMPUTE, "t0"]);
});

const WRONG: Readonly<Record<string, readonly [text: string, problem: RegExp]>> = {
  "no YAML": ["clouds: [s3cret", /^it is no YAML$/],
  "something else": ["s3cret: 1", /^it is no clouds.yaml/],
  "two clouds": [clouds({}, {}), /one cloud, and no other/],
  none: [clouds(), /one cloud, and no other/],
  "no place of Nova": [clouds({ auth: { token: "s3cret" } }), /^compute_endpoint_override is missing/],
  "no password": [
    clouds({ compute_endpoint_override: COMPUTE, auth: { auth_url: COMPUTE, username: "u" } }),
    /^auth.password is missing$/,
  ],
  "a way that is not known": [
    clouds({ compute_endpoint_override: COMPUTE, auth_type: "s3cret", auth: {} }),
    /^auth_type must be/,
  ],
  "a key that is not known": [
    clouds({ compute_endpoint_override: COMPUTE, verify: false, auth: {} }),
    /^it is no clouds.yaml that is understood/,
  ],
  "credentials in a URL": [
    clouds({ auth_type: "admin_token", auth: { endpoint: "https://u:s3cret@nova.example.com", token: "t" } }),
    /without credentials/,
  ],
  "an address of another kind": [
    clouds({ auth_type: "admin_token", auth: { endpoint: "file:///s3cret", token: "t" } }),
    /must be an http:\/\/ or https:\/\/ URL/,
  ],
};
for (const [what, [text, problem]] of Object.entries(WRONG))
  test(`a clouds.yaml with ${what} is refused, and nothing out of it is told`, () => {
    assert.throws(
      () => readCloud(text),
      ({ message }: Error) => problem.test(message) && !message.includes("s3cret"),
    );
  });

function clouds(...all: readonly object[]): string {
  return JSON.stringify({
    clouds: Object.fromEntries(all.map((cloud, index) => [`c${index}`, { auth: {}, ...cloud }])),
  });
}
