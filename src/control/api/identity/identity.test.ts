import assert from "node:assert/strict";
import { test } from "node:test";
import { type Keys, type TestApi, testApi } from "../../../../test/harness/api.ts";
import { novaCall, novaToken } from "../../../../test/harness/nova.ts";
import { onBoth } from "../../../../test/harness/test-database.ts";

const TOKENS = "/identity/v3/auth/tokens";
const DOMAIN = { id: "default" };

/** A member of two projects with a machine in each, and a machine of neither. */
async function world() {
  const api = await testApi();
  const { admin, services, machine } = api.control;
  const one = await services.projects.add(admin, { name: "one" });
  const two = await services.projects.add(admin, { name: "two" });
  await machine({ name: "in-one", project: one.id });
  await machine({ name: "in-two", project: two.id });
  await machine({ name: "elsewhere" });
  return { api, one, two, member: await api.member("demo", [one.id, two.id]) };
}

const password = (name: string, secret: string) => ({
  methods: ["password"],
  password: { user: { name, password: secret, domain: DOMAIN } },
});
const credential = ({ apiKey, secretKey }: Keys) => ({
  methods: ["application_credential"],
  application_credential: { id: apiKey, secret: secretKey },
});
const token = (id: string) => ({ methods: ["token"], token: { id } });
const inProject = (name: string) => ({ project: { name, domain: DOMAIN } });

async function authenticate(api: TestApi, identity: unknown, scope?: unknown) {
  const reply = await api.call("POST", TOKENS, { body: { auth: { identity, scope } } });
  return { ...reply, subject: reply.headers.get("x-subject-token") ?? "" };
}

async function servers(api: TestApi, as: string) {
  const { status, json } = await novaCall(api, "GET", "/v2.1/servers", { as });
  return status === 200 ? (json as { servers: { name: string }[] }).servers.map(({ name }) => name) : status;
}

for (const t of onBoth(
  "a name with a secret key, an application credential and a token are each good for a token",
  async () => {
    const { api, one, member } = await world();
    await using _ = api;

    const byName = await authenticate(api, password("demo", member.secretKey), inProject("one"));
    const byKey = await authenticate(api, credential(member));
    const byToken = await authenticate(api, token(byKey.subject), { project: { id: one.id } });
    const byPair = await authenticate(api, token(novaToken(member)));

    for (const { status, text } of [byName, byKey, byToken, byPair]) assert.equal(status, 201, text);
    assert.deepEqual(await servers(api, byName.subject), ["in-one"]);
    assert.deepEqual(await servers(api, byKey.subject), ["in-one", "in-two"]);
    assert.deepEqual(await servers(api, byToken.subject), ["in-one"]);
    assert.deepEqual(await servers(api, byPair.subject), ["in-one", "in-two"]);
    const { token: told } = byName.json as { token: Record<string, unknown> & { catalog: unknown[] } };
    assert.deepEqual(told["project"], {
      id: one.id,
      name: "one",
      domain: { id: "default", name: "Default" },
    });
    assert.match(String(told["expires_at"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    const catalog = told.catalog as { type: string; endpoints: { interface: string; url: string }[] }[];
    assert.deepEqual(
      catalog.map(({ type, endpoints: [one] }) => [type, one?.interface, one?.url]),
      [
        ["compute", "public", `${api.origin}/compute/v2.1`],
        ["identity", "public", `${api.origin}/identity/v3`],
        ["image", "public", `${api.origin}/image/v2`],
      ],
    );
    const rows = await api.control.store.db.selectFrom("identity_tokens").selectAll().execute();
    assert.ok(!JSON.stringify(rows).includes(byName.subject), "of tokens only hashes are kept");
    const { items } = await api.control.services.audit.list(api.control.admin, { action: "sign-in" });
    assert.equal(items.filter((row) => row.api === "nova" && row.result === "ok").length, 4);
    for (const secret of [member.secretKey, byName.subject]) assert.ok(!api.log().includes(secret));
  },
))
  test(...t);

for (const t of onBoth(
  "whatever is wrong with who asks, the answer is the same, and is written down",
  async () => {
    const { api, member } = await world();
    await using _ = api;
    const { secretKey } = member;

    for (const [identity, scope] of [
      [password("demo", "wrong")],
      [password("nobody", secretKey)],
      [password("demo", secretKey), inProject("default")],
      [password("demo", secretKey), inProject("nowhere")],
      [password("demo", secretKey), { system: { all: true } }],
      [password("demo", secretKey), { project: { name: "one", domain: { id: "other" } } }],
      [
        {
          methods: ["password"],
          password: { user: { name: "demo", password: secretKey, domain: { id: "x" } } },
        },
      ],
      [credential({ ...member, secretKey: "wrong" })],
      [token("nothing")],
      [token(`${member.apiKey}:wrong`)],
    ] as const) {
      const { status, json, subject, headers } = await authenticate(api, identity, scope);
      assert.deepEqual([status, subject], [401, ""], JSON.stringify({ identity, scope }));
      assert.equal(headers.get("www-authenticate"), `Keystone uri="${api.origin}/identity/v3"`);
      assert.deepEqual(json, {
        error: {
          code: 401,
          title: "Unauthorized",
          message: "The request you have made requires authentication.",
        },
      });
    }
    for (const [identity, status] of [
      [{ methods: ["totp"] }, 401],
      [{ ...password("demo", secretKey), methods: ["password", "totp"] }, 401],
      [{ methods: [] }, 400],
      [{}, 400],
      [undefined, 400],
      [{ methods: ["password"], password: { user: { name: 5, password: "x" } } }, 400],
    ] as const)
      assert.equal((await authenticate(api, identity)).status, status, JSON.stringify(identity));
    for (const text of ["", "{", "[]", "null"])
      assert.equal(
        (await api.call("POST", TOKENS, { text, headers: { "content-type": "application/json" } })).status,
        400,
      );
    const { items } = await api.control.services.audit.list(api.control.admin, { action: "sign-in" });
    assert.ok(items.filter((row) => row.api === "nova" && row.result === "unauthenticated").length >= 4);
  },
))
  test(...t);

test("whoever guesses is slowed down, by name and address", async () => {
  const { api, member } = await world();
  await using _ = api;

  for (let guess = 0; guess < 20; guess += 1) await authenticate(api, password("demo", "wrong"));

  const { status, headers } = await authenticate(api, password("demo", member.secretKey));
  assert.deepEqual([status, headers.get("retry-after")], [429, "60"]);
  assert.equal((await authenticate(api, credential(member))).status, 201);
});

for (const t of onBoth(
  "a token ends with its time, its key, its account, and when it is given back",
  async () => {
    const { api, member } = await world();
    await using _ = api;
    const { admin, services, clock } = api.control;
    const got = async () => (await authenticate(api, credential(member))).subject;
    const isGood = async (subject: string) => Array.isArray(await servers(api, subject));
    const account = (await services.accounts.list(admin, {})).items.find(({ name }) => name === "demo");
    assert.ok(account);

    const first = await got();
    clock.advance(3_000_000);
    const renewed = (await authenticate(api, token(first))).subject;
    const late = await got();
    assert.ok((await isGood(first)) && (await isGood(renewed)));
    clock.advance(600_001);
    assert.ok(!(await isGood(first)) && !(await isGood(renewed)) && (await isGood(late)));

    const returned = await got();
    const giveBack = async (as: string) =>
      (await api.call("DELETE", TOKENS, { headers: { "x-auth-token": as, "x-subject-token": returned } }))
        .status;
    assert.equal(await giveBack(novaToken(await api.member("stranger", []))), 404);
    assert.equal(await giveBack(returned), 204);
    assert.ok(!(await isGood(returned)));

    await services.accounts.update(admin, account.id, { disabled: true });
    assert.ok(!(await isGood(late)));
    await services.accounts.update(admin, account.id, { disabled: false });
    assert.ok(await isGood(late));
    await services.accounts.removeApiKey(admin, account.id, member.apiKey);
    assert.ok(!(await isGood(late)));
  },
))
  test(...t);

test("a token for one project is good for no other, and makes none that is", async () => {
  const { api, two, member } = await world();
  await using _ = api;
  const { subject } = await authenticate(api, credential(member), inProject("one"));

  assert.equal((await authenticate(api, token(subject), { project: { id: two.id } })).status, 401);
  const again = await authenticate(api, token(subject));

  assert.deepEqual(await servers(api, again.subject), ["in-one"]);
});

test("what a token is good for is told to its holder and to administrators", async () => {
  const { api, member } = await world();
  await using _ = api;
  const { subject } = await authenticate(api, credential(member));
  const ask = async (as: string) =>
    await api.call("GET", TOKENS, { headers: { "x-auth-token": as, "x-subject-token": subject } });

  for (const as of [subject, novaToken(api.keys)]) {
    const { status, json } = await ask(as);
    assert.equal(status, 200);
    assert.equal((json as { token: { user: { name: string } } }).token.user.name, "demo");
  }
  assert.equal((await ask(novaToken(await api.member("stranger", [])))).status, 403);
  assert.equal((await ask("nothing")).status, 401);
  const projects = await api.call("GET", "/identity/v3/auth/projects", {
    headers: { "x-auth-token": subject },
  });
  assert.deepEqual(
    (projects.json as { projects: { name: string }[] }).projects.map(({ name }) => name),
    ["one", "two"],
  );
});

test("where the identity API is, and in which version, is told to anybody", async () => {
  await using api = await testApi();
  const links = [{ rel: "self", href: `${api.origin}/identity/v3/` }];

  for (const path of ["/identity/v3", "/identity/v3/"]) {
    const { json } = await api.call("GET", path);
    const { version } = json as { version: { id: string; status: string; links: unknown } };
    assert.deepEqual([version.id, version.status, version.links], ["v3.14", "stable", links]);
  }
  const choices = await api.call("GET", "/identity");
  assert.equal(choices.status, 300);
  assert.equal((choices.json as { versions: { values: unknown[] } }).versions.values.length, 1);
  assert.equal((await api.call("GET", "/identity/v3/users")).status, 404);
});

test("the image service of the catalogue has no images, for whoever has a token and for nobody else", async () => {
  const { api, member } = await world();
  await using _ = api;
  const as = { headers: { "x-auth-token": novaToken(member) } };

  const list = await api.call("GET", "/image/v2/images?limit=5", as);
  const one = await api.call("GET", "/image/v2/images/debian", as);
  const strangers = [
    await api.call("GET", "/image/v2/images"),
    await api.call("POST", "/image/v2/images", { headers: { "x-auth-token": "nothing" }, body: {} }),
  ];
  const versions = await api.call("GET", "/image/");

  assert.equal(list.status, 200);
  assert.deepEqual((list.json as { images: unknown }).images, []);
  assert.equal(one.status, 404);
  for (const { status, headers } of strangers) {
    assert.equal(status, 401);
    assert.equal(headers.get("www-authenticate"), `Keystone uri="${api.origin}/identity/v3"`);
  }
  assert.equal(versions.status, 300);
  assert.match(versions.text, /"href":"http:[^"]*\/image\/v2\/"/);
});
