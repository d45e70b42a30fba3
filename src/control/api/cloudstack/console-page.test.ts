import assert from "node:assert/strict";
import { test } from "node:test";
import { openTicket } from "#wire/ticket.ts";
import { cloudStackQuery, type Keys, type TestApi, testApi } from "../../../../test/harness/api.ts";
import { cloudStackForm } from "../../../../test/harness/cloudstack-call.ts";

async function page(api: TestApi, parameters: Readonly<Record<string, string>>, keys: Keys = api.keys) {
  return await api.call("GET", `/client/console?${cloudStackQuery(keys, parameters)}`);
}

const DENIED = "Access denied. Invalid web session or API key in request";

test("a signed cmd=access answers a page with the machine's name, which leads to the console", async () => {
  await using api = await testApi();
  await api.control.node();
  const { id, projectId } = await api.control.machine({ name: 'A & "B" <1>' });

  const { status, headers, text } = await page(api, { cmd: "access", vm: id });

  assert.equal(status, 200);
  assert.equal(headers.get("content-type"), "text/html; charset=UTF-8");
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(headers.get("referrer-policy"), "no-referrer");
  assert.match(text, /<title>A &amp; &quot;B&quot; &lt;1&gt;<\/title>/);
  const url = `http://node\\.example\\.com:8080/p/${projectId}/console\\.html#token=[\\w.-]+`;
  assert.match(text, new RegExp(`<meta http-equiv="refresh" content="0; url=${url}">`));
  assert.match(text, new RegExp(`<a href="${url}">Open the console of A &amp;`));
});

test("command= is taken for cmd=, a form for a query, and & for the ? that the announcement misprints", async () => {
  await using api = await testApi();
  await api.control.node();
  const { id } = await api.control.machine();
  const query = cloudStackQuery(api.keys, { command: "access", vm: id });
  const headers = { "content-type": "application/x-www-form-urlencoded" };

  for (const reply of [
    await api.call("GET", `/client/console?${query}`),
    await api.call("GET", `/client/console&${query}`),
    await api.call("POST", "/client/console", { text: query, headers }),
  ])
    assert.match(reply.text, /http-equiv="refresh"/);
});

test("a session opens a page from a page of our own, or with its key, and from nowhere else", async () => {
  await using api = await testApi();
  await api.control.node();
  const { id } = await api.control.machine();
  const { apiKey, secretKey } = api.keys;
  const signedIn = await cloudStackForm(api, { command: "login", username: apiKey, password: secretKey });
  const cookie = signedIn.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const key = encodeURIComponent(String(signedIn.content["sessionkey"]));
  const ask = async (more: string, headers: Readonly<Record<string, string>>) =>
    (await api.call("GET", `/client/console?cmd=access&vm=${id}${more}`, { headers })).status;

  assert.equal(await ask("", { cookie, "sec-fetch-site": "same-origin" }), 200);
  assert.equal(await ask(`&sessionkey=${key}`, { cookie }), 200);
  assert.equal(await ask("", { cookie, "sec-fetch-site": "cross-site" }), 401);
  assert.equal(await ask("", { cookie }), 401);
  assert.equal(await ask(`&sessionkey=${key}`, {}), 401);
  assert.equal(await ask("&sessionkey=x", { cookie }), 401);
});

test("what does not open is said in CloudStack's sentences, under the status that it has", async () => {
  await using api = await testApi();
  await api.control.node();
  const { admin, services } = api.control;
  const theirs = await services.projects.add(admin, { name: "theirs" });
  const foreign = await api.control.machine({ project: theirs.id });
  const stopped = await api.control.machine();
  await services.machines.update(admin, stopped.id, { state: "stopped" });
  const member = await api.member("someone", []);

  const wrongly = await page(api, { cmd: "access", vm: foreign.id }, { ...member, secretKey: "wrong" });
  assert.deepEqual([wrongly.status, wrongly.text], [401, DENIED]);
  const denied = await page(api, { cmd: "access", vm: foreign.id }, member);
  assert.deepEqual([denied.status, denied.text], [403, "Permission denied"]);
  assert.equal((await page(api, { cmd: "access", vm: "nothing" })).status, 404);
  const off = await page(api, { cmd: "access", vm: stopped.id });
  assert.deepEqual([off.status, /is not running/.test(off.text)], [409, true]);
  for (const parameters of [{ cmd: "access" }, { cmd: "constructor", vm: stopped.id }, { vm: stopped.id }])
    assert.equal((await page(api, parameters)).status, 400);
  assert.deepEqual((await services.sessions.list(admin, {})).items, []);
});

test("a person whose console does not open gets a page with a title and a way back, a program the sentence", async () => {
  await using api = await testApi();
  const { id } = await api.control.machine();
  const accept = "text/html,application/xhtml+xml;q=0.9";
  const ask = async (path: string) => await api.call("GET", path, { headers: { accept } });
  const signed = cloudStackQuery(api.keys, { cmd: "access", vm: id });

  const nobody = await ask(`/client/console?cmd=access&vm=${id}`);
  const noNode = await ask(`/client/console?${signed}`);
  const auth = await ask(`/client/console?cmd=auth&vm=${id}&sid=x`);

  assert.equal(nobody.status, 401);
  assert.ok(nobody.text.includes(`<title>${DENIED} · Porthole</title>`));
  assert.match(nobody.text, /<a href="\/">Sign in<\/a>/);
  assert.equal(noNode.status, 503);
  assert.match(noNode.text, /<h1>No console node is ready .*<\/h1>/);
  assert.match(noNode.text, /<a href="\/">Back to the machines<\/a>/);
  assert.equal(auth.text, DENIED, "is read by programs");
});

test("cmd=auth tells whoever signs, and may see the machine, whether a password is the right one", async () => {
  await using api = await testApi();
  const { id } = await api.control.machine({ password: "s3cret" });
  const open = await api.control.machine();
  const member = await api.member("someone", []);
  const ask = async (vm: string, sid: string, keys?: Keys) => {
    const { status, text } = await page(api, { cmd: "auth", vm, sid }, keys);
    return [status, text];
  };

  assert.deepEqual(await ask(id, "s3cret"), [200, "success"]);
  assert.deepEqual(await ask(id, "wrong"), [200, "failed"]);
  assert.deepEqual(await ask(open.id, ""), [200, "failed"]);
  assert.equal((await ask(id, "s3cret", member))[0], 404);
  const unsigned = await api.call("GET", `/client/console?cmd=auth&vm=${id}&sid=s3cret`);
  assert.deepEqual([unsigned.status, unsigned.text], [401, DENIED]);
  assert.ok(!api.log().includes("s3cret"));
});

test("a guess that is wrong is told in the audit log, without what was guessed", async () => {
  await using api = await testApi();
  const { id } = await api.control.machine({ password: "s3cret" });
  const member = await api.member("someone", []);

  await page(api, { cmd: "auth", vm: id, sid: "s3cret" });
  await page(api, { cmd: "auth", vm: id, sid: "guessed" });
  await page(api, { cmd: "auth", vm: id, sid: "guessed" }, member);

  const { items } = await api.control.services.audit.list(api.control.admin, { action: "machine.password" });
  assert.deepEqual(
    items.map(({ result, account, object }) => [result, account, object?.id]),
    [
      ["not_found", "someone", id],
      ["unauthenticated", "admin", id],
    ],
  );
  assert.ok(!JSON.stringify(items).includes("guessed"));
});

test("who guesses a machine's password is slowed, even with the right one", async () => {
  await using api = await testApi();
  const { id } = await api.control.machine({ password: "s3cret" });
  const other = await api.control.machine({ password: "s3cret" });
  const ask = async (vm: string, sid: string) => (await page(api, { cmd: "auth", vm, sid })).status;

  for (let attempt = 0; attempt < 20; attempt++) assert.equal(await ask(id, `${attempt}`), 200);

  assert.equal(await ask(id, "s3cret"), 429);
  assert.equal(await ask(other.id, "s3cret"), 200);
});

test("cmd=thumbnail sends the browser to the node, with a ticket for a picture and nothing else", async () => {
  await using api = await testApi();
  const node = await api.control.node();
  const { id } = await api.control.machine();
  const member = await api.member("someone", []);

  const { status, headers } = await page(api, { cmd: "thumbnail", vm: id, w: "200", h: "150" });

  assert.equal(status, 302);
  assert.equal(headers.get("cache-control"), "no-store");
  const url = new URL(headers.get("location") ?? "");
  assert.equal(url.origin + url.pathname, "http://node.example.com:8080/ajaximg");
  assert.deepEqual([url.searchParams.get("w"), url.searchParams.get("h")], ["200", "150"]);
  const claims = await openTicket(url.searchParams.get("token") ?? "", node.ticketKey);
  assert.equal(claims.purpose, "thumbnail");
  assert.equal(headers.get("cross-origin-resource-policy"), "cross-origin");
  assert.equal((await page(api, { cmd: "thumbnail", vm: id }, member)).status, 403);
  await api.control.services.settings.set(
    api.control.admin,
    "consoleproxy.extra.security.validation.enabled",
    "true",
  );
  assert.equal((await page(api, { cmd: "thumbnail", vm: id })).status, 400);
  const guarded = await page(api, { cmd: "thumbnail", vm: id, token: "s3 same" });
  assert.equal(new URL(guarded.headers.get("location") ?? "").searchParams.get("extra"), "s3 same");
  const { services, admin } = api.control;
  assert.deepEqual((await services.sessions.list(admin, {})).items, []);
  assert.equal((await services.sessions.search(admin, {}, { first: 0, size: 9 })).count, 0);
});
