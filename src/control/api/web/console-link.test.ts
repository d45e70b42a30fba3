import assert from "node:assert/strict";
import { test } from "node:test";
import { testApi } from "../../../../test/harness/api.ts";

const CLICK = { "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate" };

test("a click on a machine's console icon leads to the node, with a ticket that is in no log and no cache", async () => {
  await using api = await testApi();
  await api.control.node();
  const { id, projectId } = await api.control.machine();
  const cookie = await api.signIn();

  const { status, headers } = await api.call("GET", `/machines/${id}/console`, {
    headers: { cookie, ...CLICK },
  });

  assert.equal(status, 303);
  const location = String(headers.get("location"));
  assert.match(
    location,
    new RegExp(`^http://node\\.example\\.com:8080/p/${projectId}/console\\.html#token=[\\w.-]+$`),
  );
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(headers.get("referrer-policy"), "no-referrer");
  assert.ok(!api.log().includes(location.split("#token=")[1] ?? ""));
});

test("the link of a machine's serial line leads to that, and one of no known protocol to nothing", async () => {
  await using api = await testApi();
  await api.control.node();
  const { id } = await api.control.machine({ serialAddress: "telnet://127.0.0.1:4001" });
  const headers = { cookie: await api.signIn(), ...CLICK };
  const open = async (query: string) => await api.call("GET", `/machines/${id}/console${query}`, { headers });

  const line = await open("?protocol=serial");
  const nonsense = await open("?protocol=telepathy");

  assert.equal(line.status, 303);
  assert.match(String(line.headers.get("location")), /\/serial\.html#token=/);
  assert.equal(nonsense.status, 400);
  assert.match(nonsense.text, /<h1>The request is not valid\.<\/h1>/);
});

test("pages of other sites cannot open a console in a signed-in person's name", async () => {
  await using api = await testApi();
  await api.control.node();
  const { id } = await api.control.machine();
  const cookie = await api.signIn();
  const open = async (headers: Readonly<Record<string, string>>) =>
    (await api.call("GET", `/machines/${id}/console`, { headers: { cookie, ...headers } })).status;

  assert.equal(await open({ "sec-fetch-site": "cross-site" }), 403);
  assert.equal(await open({ "sec-fetch-site": "same-site" }), 403);
  assert.equal(await open({ origin: "http://evil.example.com" }), 403);
  assert.equal(await open({}), 403);
  assert.equal(await open({ "sec-fetch-site": "none" }), 303);

  const sessions = await api.control.services.sessions.list(api.control.admin, {});
  assert.equal(sessions.items.length, 1);
});

test("on plain HTTP beyond loopback, where browsers say nothing, the cookie's SameSite is what decides", async () => {
  await using api = await testApi({
    origins: ["http://console.example.com:8000", "https://tls.example.com"],
  });
  await api.control.node();
  const { id } = await api.control.machine();
  const cookie = await api.signIn();

  const plain = await api.call("GET", `/machines/${id}/console`, {
    headers: { cookie, host: "console.example.com:8000" },
  });
  const tls = await api.call("GET", `/machines/${id}/console`, {
    headers: { cookie: cookie.replace("porthole", "__Host-porthole"), host: "tls.example.com" },
  });

  assert.equal(plain.status, 303);
  assert.equal(tls.status, 403);
});

test("an API key opens no console here, only a person's web session does", async () => {
  await using api = await testApi();
  await api.control.node();
  const { id } = await api.control.machine();

  const { status } = await api.call("GET", `/machines/${id}/console`, { as: api.keys, headers: CLICK });

  assert.equal(status, 401);
});

test("what goes wrong is said on a page, in the catalogue's words, with a way back", async () => {
  await using api = await testApi();
  const { admin, services } = api.control;
  const stopped = await api.control.machine();
  await services.machines.update(admin, stopped.id, { state: "stopped" });
  const running = await api.control.machine();
  const cookie = await api.signIn();
  const page = async (id: string, headers: Readonly<Record<string, string>> = { cookie, ...CLICK }) =>
    await api.call("GET", `/machines/${id}/console`, { headers });

  const cases: [reply: Awaited<ReturnType<typeof page>>, status: number, words: RegExp][] = [
    [await page(stopped.id), 409, /<h1>This machine is not running, so it has no console\.<\/h1>/],
    [await page(running.id), 503, /<h1>No console node is ready to take this console\.<\/h1>/],
    [await page("nothing"), 404, /<h1>There is nothing here, or it is not yours to see\.<\/h1>/],
    [await page(running.id, CLICK), 401, /<a href="\/">Sign in<\/a>/],
    [await page("%3Cscript%3Ealert(1)%3C%2Fscript%3E"), 404, /<a href="\/">Back to the machines<\/a>/],
  ];
  for (const [{ status, headers, text }, expected, words] of cases) {
    assert.equal(status, expected);
    assert.equal(headers.get("content-type"), "text/html; charset=utf-8");
    assert.equal(headers.get("cache-control"), "no-store");
    assert.match(text, words);
    const [, heading = ""] = /<h1>(.+)\.<\/h1>/.exec(text) ?? [];
    assert.ok(text.includes(`<title>${heading} · Porthole</title>`), text);
    assert.match(text, /<p class="reference">\w+ · [\w-]+<\/p>/);
    assert.doesNotMatch(text, /<script|style=|<style/);
  }
});

test("the page's style sheet is where it says", async () => {
  await using api = await testApi();
  const cookie = await api.signIn();
  const { text } = await api.call("GET", "/machines/none/console", { headers: { cookie, ...CLICK } });
  const path = /<link rel="stylesheet" href="([^"]+)">/.exec(text)?.[1] ?? "";

  const { status, headers } = await api.call("GET", path);

  assert.equal(status, 200);
  assert.equal(headers.get("content-type"), "text/css; charset=utf-8");
});
