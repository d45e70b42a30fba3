import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isErrorCode } from "#wire/errors.ts";
import { basic, type Reply, testApi } from "../../../../test/harness/api.ts";

interface ErrorBody {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly detail?: string;
    readonly reference: string;
  };
}

function errorOf(reply: Reply): ErrorBody["error"] {
  const { error } = reply.json as ErrorBody;
  assert.ok(isErrorCode(error.code), reply.text);
  assert.doesNotMatch(reply.text, /\bat .*(\.ts|node:)/);
  return error;
}

describe("who asks", () => {
  test("nobody, a wrong secret key, an unknown key and a broken header are all unauthenticated", async () => {
    await using api = await testApi();
    const { apiKey, secretKey } = api.keys;

    const headers = {
      "no header": undefined,
      "a wrong secret key": basic({ apiKey, secretKey: `${secretKey}x` }),
      "an empty secret key": basic({ apiKey, secretKey: "" }),
      "an unknown key": basic({ apiKey: "nobody", secretKey }),
      "no key": basic({ apiKey: "", secretKey }),
      "another scheme": `Bearer ${secretKey}`,
      "no base64": "Basic §",
      "no colon": `Basic ${Buffer.from(apiKey).toString("base64")}`,
    };
    for (const [name, authorization] of Object.entries(headers)) {
      const reply = await api.call("GET", "/api/v1/me", {
        headers: authorization === undefined ? {} : { authorization },
      });

      assert.equal(reply.status, 401, name);
      assert.equal(errorOf(reply).code, "unauthenticated");
      assert.equal(reply.headers.get("www-authenticate"), 'Basic realm="porthole", charset="UTF-8"');
    }
  });

  test("a browser's page is not told of Basic, so that no password dialog comes up", async () => {
    await using api = await testApi();

    const { status, headers } = await api.call("GET", "/api/v1/me", {
      headers: { "sec-fetch-site": "same-origin" },
    });

    assert.equal(status, 401);
    assert.equal(headers.get("www-authenticate"), 'Session realm="porthole"');
  });

  test("a wrong key is not made good by a cookie", async () => {
    await using api = await testApi();
    const cookie = await api.signIn();

    const reply = await api.call("GET", "/api/v1/me", {
      as: { ...api.keys, secretKey: "wrong" },
      headers: { cookie },
    });

    assert.equal(reply.status, 401);
  });

  test("who is unauthenticated learns nothing about whether the request was valid", async () => {
    await using api = await testApi();

    const bad = await api.call("POST", "/api/v1/machines", {
      text: "{",
      headers: { "content-type": "application/json" },
    });

    assert.equal(errorOf(bad).code, "unauthenticated");
  });

  test("twenty wrong secret keys within a minute close the door for that key from that address", async () => {
    await using api = await testApi();
    const wrong = { ...api.keys, secretKey: "wrong" };
    for (let attempt = 0; attempt < 20; attempt += 1)
      assert.equal((await api.call("GET", "/api/v1/me", { as: wrong })).status, 401);

    const reply = await api.call("GET", "/api/v1/me", { as: api.keys });

    assert.equal(reply.status, 429);
    assert.equal(errorOf(reply).code, "rate_limited");
    assert.equal(reply.headers.get("retry-after"), "60");
  });

  test("an API key that is longer than any is refused, and not even counted", async () => {
    await using api = await testApi();
    const long = { ...api.keys, apiKey: "k".repeat(129) };

    for (let attempt = 0; attempt < 25; attempt += 1)
      assert.equal(errorOf(await api.call("GET", "/api/v1/me", { as: long })).code, "unauthenticated");
  });

  test("twenty wrong sign-in codes within a minute slow further ones down, and lock nobody out", async () => {
    await using api = await testApi();
    const signIn = async (code: string) => await api.call("POST", "/api/v1/sign-in", { body: { code } });
    for (let attempt = 0; attempt < 20; attempt += 1)
      assert.equal(errorOf(await signIn(`wrong-${attempt}`)).code, "sign_in_code_invalid");

    assert.equal(errorOf(await signIn("wrong")).code, "rate_limited");
    assert.notEqual(await api.signIn(), "", "from the same address, with a good code");
  });

  test("a sign-in that fails inside is no failure of whoever signs in", async () => {
    await using api = await testApi();
    const signIn = async (code: string) => await api.call("POST", "/api/v1/sign-in", { body: { code } });
    const { accounts } = api.control.services;
    const { signIn: works } = accounts;
    accounts.signIn = async () => await Promise.reject(new Error("disk full"));
    for (let attempt = 0; attempt < 25; attempt += 1)
      assert.equal(errorOf(await signIn("any")).code, "internal");
    accounts.signIn = works;

    assert.equal(errorOf(await signIn("wrong")).code, "sign_in_code_invalid");
  });
});

describe("the web session", () => {
  test("its cookie is for this host, for no script, and for no other site", async () => {
    await using api = await testApi();
    const { url } = await api.control.services.accounts.signInLink(api.control.admin);
    const code = /#code=(.+)$/.exec(url)?.[1];

    const { headers } = await api.call("POST", "/api/v1/sign-in", { body: { code } });

    assert.match(
      String(headers.get("set-cookie")),
      /^porthole=[\w-]+; Path=\/; Expires=[^;]+GMT; HttpOnly; SameSite=Strict$/,
    );
  });

  test("where control is reached by TLS, the cookie is bound to it", async () => {
    await using api = await testApi({ origins: ["https://console.example.com"] });
    const { url } = await api.control.services.accounts.signInLink(api.control.admin);
    const code = /#code=(.+)$/.exec(url)?.[1];
    const host = "console.example.com";

    const { headers } = await api.call("POST", "/api/v1/sign-in", { body: { code }, headers: { host } });
    const [cookie = ""] = headers.getSetCookie()[0]?.split(";") ?? [];
    const me = await api.call("GET", "/api/v1/me", { headers: { host, cookie } });

    assert.match(
      String(headers.get("set-cookie")),
      /^__Host-porthole=[\w-]+; Path=\/;.*; Secure; SameSite=Strict$/,
    );
    assert.equal(me.status, 200);
  });

  test("what it changes must come from a page of the same origin; reading need not say so", async () => {
    await using api = await testApi();
    const cookie = await api.signIn();
    const add = async (name: string, headers: Readonly<Record<string, string>>) =>
      (await api.call("POST", "/api/v1/projects", { body: { name }, headers: { cookie, ...headers } }))
        .status;

    assert.equal((await api.call("GET", "/api/v1/me", { headers: { cookie } })).status, 200);
    assert.equal(await add("a", { "sec-fetch-site": "same-origin" }), 201);
    assert.equal(await add("b", { origin: api.origin }), 201);
    assert.equal(await add("c", {}), 403);
    assert.equal(await add("d", { "sec-fetch-site": "same-site", origin: api.origin }), 403);
    assert.equal(await add("e", { "sec-fetch-site": "cross-site" }), 403);
    assert.equal(await add("f", { origin: "http://evil.example.com" }), 403);
    assert.equal(await add("g", { origin: "null" }), 403);
  });

  test("another site can neither sign a person in nor out", async () => {
    await using api = await testApi();
    const { url } = await api.control.services.accounts.signInLink(api.control.admin);
    const code = /#code=(.+)$/.exec(url)?.[1];
    const cookie = await api.signIn();
    const foreign = { "sec-fetch-site": "cross-site" };

    const signIn = await api.call("POST", "/api/v1/sign-in", { body: { code }, headers: foreign });
    const signOut = await api.call("POST", "/api/v1/sign-out", { headers: { ...foreign, cookie } });

    assert.deepEqual([signIn.status, signOut.status], [403, 403]);
    assert.equal((await api.call("GET", "/api/v1/me", { headers: { cookie } })).status, 200);
  });

  test("a sign-in code works once, and signing out ends the session and takes the cookie back", async () => {
    await using api = await testApi();
    const cookie = await api.signIn();
    const ours = { cookie, "sec-fetch-site": "same-origin" };

    const { headers } = await api.call("POST", "/api/v1/sign-out", { headers: ours });

    assert.match(
      String(headers.get("set-cookie")),
      /^porthole=; Max-Age=0; Path=\/; Expires=Thu, 01 Jan 1970/,
    );
    assert.equal((await api.call("GET", "/api/v1/me", { headers: { cookie } })).status, 401);
  });
});

test("a tab whose session is over may ask as often as it likes, and shuts out nobody else", async () => {
  await using api = await testApi();
  const cookie = await api.signIn();
  for (let attempt = 0; attempt < 40; attempt += 1)
    await api.call("GET", "/api/v1/me", { headers: { cookie: "porthole=over" } });

  assert.equal((await api.call("GET", "/api/v1/me", { headers: { cookie } })).status, 200);
});

describe("bad input", () => {
  test("is request_invalid, with the place where it is wrong", async () => {
    await using api = await testApi();
    const machine = { name: "x", protocol: "rfb", address: "192.0.2.1:5900" };
    const { id } = await api.control.machine();

    const cases: [method: string, path: string, body: unknown, detail: RegExp][] = [
      ["POST", "machines", [], /body: must be an object/],
      ["POST", "machines", { ...machine, name: undefined }, /name/],
      ["POST", "machines", { ...machine, name: "" }, /name/],
      ["POST", "machines", { ...machine, name: "a\u0000b" }, /name/],
      ["POST", "machines", { ...machine, name: "a\u202Eb" }, /name/],
      ["POST", "machines", { ...machine, name: "x".repeat(129) }, /name/],
      ["POST", "machines", { ...machine, extra: 1 }, /extra: is not known/],
      ["POST", "machines", { ...machine, address: "no port" }, /address/],
      ["PATCH", `machines/${id}`, { state: "paused" }, /state/],
      ["POST", `machines/${id}/consoles`, { viewOnly: "true" }, /viewOnly: must be true or false/],
      ["POST", `machines/${id}/consoles`, { extra: "x".repeat(256) }, /extra/],
      ["POST", `machines/${id}/consoles`, { callerAddress: "nowhere" }, /callerAddress/],
      ["POST", "join-tokens", { uses: "5" }, /uses: must be a whole number/],
      ["GET", "machines?limit=0", undefined, /limit/],
      ["GET", "machines?limit=ten", undefined, /limit: must be a whole number/],
      ["GET", "machines?limit=1&limit=2", undefined, /limit/],
      ["GET", "machines?after=nonsense", undefined, /after/],
      ["GET", "machines?unknown=1", undefined, /unknown: is not known/],
      ["GET", "sessions?state=dead", undefined, /state/],
    ];
    for (const [method, path, body, detail] of cases) {
      const reply = await api.call(method, `/api/v1/${path}`, { as: api.keys, body });

      assert.equal(reply.status, 400, `${method} ${path}: ${reply.text}`);
      assert.equal(errorOf(reply).code, "request_invalid");
      assert.match(String(errorOf(reply).detail), detail);
    }
  });

  test("broken JSON, other content types, over-long bodies and paths have codes of their own", async () => {
    await using api = await testApi();
    const json = { "content-type": "application/json" };
    const post = async (text: string, headers: Readonly<Record<string, string>>) =>
      errorOf(await api.call("POST", "/api/v1/machines", { as: api.keys, text, headers })).code;

    assert.equal(await post('{"name": ', json), "request_invalid");
    assert.equal(await post("", json), "request_invalid");
    assert.equal(await post('{"__proto__": {"x": 1}, "name": "x"}', json), "request_invalid");
    assert.equal(
      await post("name=x", { "content-type": "application/x-www-form-urlencoded" }),
      "media_type_unsupported",
    );
    assert.equal(await post("<x/>", { "content-type": "text/xml" }), "media_type_unsupported");
    assert.equal(await post(JSON.stringify({ name: "x".repeat(70_000) }), json), "body_too_large");
    const certificate = JSON.stringify({ certificate: "\n".repeat(65_000), privateKey: "\n".repeat(65_000) });
    const upload = await api.call("POST", "/api/v1/certificates", {
      as: api.keys,
      text: certificate,
      headers: json,
    });
    assert.equal(errorOf(upload).code, "certificate_refused", "each part may be as long as a body elsewhere");
    const long = await api.call("GET", `/api/v1/machines/${"x".repeat(500)}`, { as: api.keys });
    assert.equal(errorOf(long).code, "request_invalid");
  });

  test("unknown addresses and methods are told apart, and the latter says which methods there are", async () => {
    await using api = await testApi();

    const unknown = await api.call("GET", "/api/v1/nothing", { as: api.keys });
    const method = await api.call("PUT", "/api/v1/machines/42?x=1", { as: api.keys });
    const head = await api.call("HEAD", "/api/v1/machines", { as: api.keys });

    assert.equal(errorOf(unknown).code, "not_found");
    assert.equal(errorOf(method).code, "method_not_allowed");
    assert.equal(method.headers.get("allow"), "GET, PATCH, DELETE");
    assert.equal(head.status, 405);
  });

  test("a body may be left out where every field may", async () => {
    await using api = await testApi();
    await api.control.node();
    const { id } = await api.control.machine();

    const opened = await api.call("POST", `/api/v1/machines/${id}/consoles`, { as: api.keys });
    const token = await api.call("POST", "/api/v1/join-tokens", { as: api.keys });

    assert.deepEqual([opened.status, token.status], [201, 201]);
  });
});

test("a console is answered with what its viewer needs, and with nothing of the machine's secrets", async () => {
  await using api = await testApi();
  await api.control.node();
  const { id, projectId } = await api.control.machine({ password: "vnc-password" });

  const { status, json, text } = await api.call("POST", `/api/v1/machines/${id}/consoles`, {
    as: api.keys,
    body: { extra: "e" },
  });

  assert.equal(status, 201);
  const console = json as { sessionId: string; url: string; expiresAt: string; websocket: { token: string } };
  assert.deepEqual(json, {
    sessionId: console.sessionId,
    url: `http://node.example.com:8080/p/${projectId}/console.html#token=${console.websocket.token}&extra=e`,
    websocket: {
      host: "node.example.com",
      port: 8080,
      path: "websockify",
      token: console.websocket.token,
      extra: "e",
    },
    expiresAt: new Date(console.expiresAt).toISOString(),
  });
  assert.doesNotMatch(text, /vnc-password|192\.0\.2\.10/);
});

test("a list comes page by page, and every item once", async () => {
  await using api = await testApi();
  for (const name of ["a", "b", "c", "d", "e"]) await api.control.machine({ name });

  const names: string[] = [];
  let next: string | undefined = "";
  let pages = 0;
  while (next !== undefined) {
    const after: string = next === "" ? "" : `&after=${encodeURIComponent(next)}`;
    const { json } = await api.call("GET", `/api/v1/machines?limit=2${after}`, { as: api.keys });
    const page = json as { items: { name: string }[]; next?: string };
    names.push(...page.items.map(({ name }) => name));
    next = page.next;
    pages += 1;
  }

  assert.deepEqual(names, ["a", "b", "c", "d", "e"]);
  assert.equal(pages, 3);
});

test("a member does not see addresses", async () => {
  await using api = await testApi();
  const machine = await api.control.machine();
  const member = await api.member("someone", [machine.projectId]);

  const { json } = await api.call("GET", `/api/v1/machines/${machine.id}`, { as: member });

  assert.equal((json as { name: string }).name, machine.name);
  assert.equal("address" in (json as object), false);
});
