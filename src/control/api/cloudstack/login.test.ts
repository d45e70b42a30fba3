import assert from "node:assert/strict";
import { test } from "node:test";
import { type TestApi, testApi } from "../../../../test/harness/api.ts";
import { cloudStackCall, cloudStackForm } from "../../../../test/harness/cloudstack-call.ts";

type Texts = Readonly<Record<string, string>>;

async function login(api: TestApi, credentials: Texts = {}, headers: Texts = {}) {
  const { apiKey, secretKey } = api.keys;
  const form = { command: "login", username: apiKey, password: secretKey, ...credentials };
  const reply = await cloudStackForm(api, form, headers);
  const [setCookie = ""] = reply.headers.getSetCookie();
  const [cookie = ""] = setCookie.split(";");
  return { ...reply, setCookie, cookie, sessionkey: String(reply.content["sessionkey"]) };
}

test("ApiServletTest.processRequestInContextLogin: an API key and its secret begin a session, of the key's account and its role", async () => {
  await using api = await testApi();
  const { accountId } = api.control.admin;

  const { status, content, setCookie } = await login(api);

  assert.equal(status, 200);
  const { sessionkey, timeout, ...rest } = content;
  assert.deepEqual(
    { ...rest },
    {
      username: "admin",
      userid: accountId,
      domainid: "00000000-0000-4000-8000-000000000001",
      account: "admin",
      firstname: "admin",
      lastname: "",
      type: "1",
      registered: "false",
    },
  );
  assert.ok(Number(timeout) > 11 * 3600 && Number(timeout) <= 12 * 3600);
  assert.match(String(sessionkey), /^[A-Za-z0-9_-]{43}$/);
  assert.match(setCookie, /^JSESSIONID=[^;]+; Path=\/client; .*HttpOnly; SameSite=Strict$/);
});

test("an account's name will do for the key, and its domain is ROOT, if anything", async () => {
  await using api = await testApi();
  const keys = await api.member("someone", []);

  for (const more of [{}, { domain: "/" }, { domain: "ROOT" }]) {
    const { status, content } = await login(api, {
      username: "someone",
      password: keys.secretKey,
      ...more,
    });

    assert.deepEqual([status, content["account"], content["type"]], [200, "someone", "0"]);
  }
});

test("with the session's cookie and key commands are answered, by GET and by POST", async () => {
  await using api = await testApi();
  await api.control.machine({ name: "db-1" });
  const { cookie, sessionkey } = await login(api);
  const parameters = { command: "listVirtualMachines", sessionkey };

  const posted = await cloudStackForm(api, parameters, { cookie });
  const got = await api.call(
    "GET",
    `/client/api?${new URLSearchParams({ ...parameters, response: "json" })}`,
    {
      headers: { cookie },
    },
  );

  assert.equal(posted.content["count"], 1);
  assert.deepEqual(got.json, posted.json);
});

test("ApiServletTest.processRequestInContextLogout: without the key, with another's, or after the logout, there is no session", async () => {
  await using api = await testApi();
  const { cookie, sessionkey } = await login(api);
  const other = await login(api);
  const ask = async (more: Texts, headers: Texts) =>
    (await cloudStackForm(api, { command: "listCapabilities", ...more }, headers)).status;

  assert.equal(await ask({ sessionkey }, { cookie }), 200);
  assert.equal(await ask({}, { cookie }), 401);
  assert.equal(await ask({ sessionkey: other.sessionkey }, { cookie }), 401);
  assert.equal(await ask({ sessionkey }, {}), 401);
  assert.equal(await ask({ sessionkey }, { cookie: "JSESSIONID=x" }), 401);

  const { status, content, headers } = await cloudStackForm(api, { command: "logout" }, { cookie });

  assert.deepEqual([status, content], [200, { description: "success" }]);
  assert.match(headers.getSetCookie()[0] ?? "", /^JSESSIONID=; .*Expires=Thu, 01 Jan 1970/);
  assert.equal(await ask({ sessionkey }, { cookie }), 401);
  assert.equal(await ask({ sessionkey: other.sessionkey }, { cookie: other.cookie }), 200);
});

test("whoever has a session is told that there is no such command; a signature is not even looked at", async () => {
  await using api = await testApi();
  const { cookie, sessionkey } = await login(api);

  const told = await cloudStackForm(api, { command: "deployVirtualMachine", sessionkey }, { cookie });
  const signed = await cloudStackCall(api, { command: "deployVirtualMachine" });

  assert.deepEqual(told.json, {
    errorresponse: {
      uuidList: [],
      errorcode: 432,
      cserrorcode: 9999,
      errortext: "Unknown API command: deployVirtualMachine",
    },
  });
  assert.equal(signed.status, 401);
});

test("wrong credentials are one answer, guessing is slowed, and a login by GET is refused unread", async () => {
  await using api = await testApi();
  const { apiKey, secretKey } = api.keys;

  for (const wrong of [
    { password: "wrong" },
    { username: "nobody" },
    { username: "x".repeat(500) },
    { domain: "elsewhere" },
  ]) {
    const { status, content, setCookie } = await login(api, wrong);

    assert.deepEqual([status, setCookie], [401, ""], JSON.stringify(wrong));
    assert.match(String(content["errortext"]), /^Failed to authenticate user/);
  }
  const missing = await login(api, { password: "" });
  assert.deepEqual([missing.status, missing.content["cserrorcode"]], [431, 9999]);
  const query = new URLSearchParams({ command: "login", username: apiKey, password: secretKey });
  assert.equal((await api.call("GET", `/client/api?${query}`)).status, 400);
  const type = { "content-type": "application/x-www-form-urlencoded" };
  const inAddress = await api.call("POST", `/client/api?${query}`, { text: "", headers: type });
  assert.equal(inAddress.status, 431, "what stands in the address of a POST is not looked at");

  const statuses = [];
  for (let attempt = 0; attempt < 20; attempt++)
    statuses.push((await login(api, { username: "guessed", password: `${attempt}` })).status);
  assert.deepEqual(new Set(statuses), new Set([401]));
  const slowed = await login(api, { username: "guessed", password: secretKey });
  assert.deepEqual([slowed.status, slowed.headers.get("retry-after")], [429, "60"]);
  assert.equal((await login(api)).status, 200, "nobody else is locked out");
});

test("a page of another site signs nobody in, and spends nobody's guesses; programs and our own pages may", async () => {
  await using api = await testApi();
  const foreign: readonly Texts[] = [
    { origin: "https://evil.example.com" },
    { origin: "null" },
    { "sec-fetch-site": "cross-site", origin: api.origin },
    { "sec-fetch-site": "same-site" },
  ];

  for (const headers of foreign) {
    const { status, content, setCookie } = await login(api, {}, headers);

    assert.deepEqual([status, setCookie], [403, ""], JSON.stringify(headers));
    assert.match(String(content["errortext"]), /from a page of another site/);
  }
  for (let attempt = 0; attempt < 25; attempt++) await login(api, { password: "wrong" }, foreign[0]);

  for (const headers of [{}, { origin: api.origin }, { "sec-fetch-site": "same-origin" }])
    assert.equal((await login(api, {}, headers)).status, 200, JSON.stringify(headers));
});

test("neither secret, cookie nor session key is ever logged", async () => {
  await using api = await testApi();
  const { cookie, sessionkey } = await login(api);
  await cloudStackForm(api, { command: "listCapabilities", sessionkey }, { cookie });
  await cloudStackForm(api, { command: "login", username: "admin", password: "not-the-secret" });

  const value = cookie.split("=")[1] ?? "";
  for (const secret of [api.keys.secretKey, value, sessionkey, "not-the-secret"])
    assert.ok(secret !== "" && !api.log().includes(secret));
});

test("where timestamps and POST are enforced, signatures expire soon and changes come by POST", async () => {
  await using api = await testApi();
  const { admin, services } = api.control;
  await services.settings.set(admin, "enforce.post.requests.and.timestamps", "true");
  const inMinutes = (minutes: number) =>
    new Date(Date.now() + minutes * 60_000).toISOString().replace(/\.\d+Z$/, "+0000");
  const ask = async (command: string, minutes?: number) => {
    const expiry = minutes === undefined ? {} : { signatureVersion: "3", expires: inMinutes(minutes) };
    const { status, content } = await cloudStackCall(api, { command, ...expiry });
    return [status, content["errortext"]];
  };

  assert.equal((await ask("listCapabilities"))[0], 401);
  assert.equal((await ask("listCapabilities", 20))[0], 401);
  assert.equal((await ask("listCapabilities", 10))[0], 200);
  assert.deepEqual(await ask("createConsoleEndpoint", 10), [
    400,
    "State changing command createConsoleEndpoint needs to be sent using POST request",
  ]);
  const { cookie, sessionkey } = await login(api);
  const posted = await cloudStackForm(api, { command: "createConsoleEndpoint", sessionkey }, { cookie });
  assert.equal(posted.status, 431, "by POST it gets as far as its parameters");
});
