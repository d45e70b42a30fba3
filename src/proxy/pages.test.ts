import assert from "node:assert/strict";
import { once } from "node:events";
import { symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { postDeafly } from "../../test/harness/deaf-sender.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { startTestNode, type TestNode } from "../../test/harness/test-node.ts";

let node: TestNode;
before(async () => {
  node = await startTestNode();
});
after(async () => await node[Symbol.asyncDispose]());

test("the viewer's page is served under any project's path, never stored, with what protects it", async () => {
  const answer = await ask("/p/project-1/console.html?port=8080");

  assert.equal(answer.status, 200);
  assert.equal(answer.text, "<!doctype html><title>Console</title>");
  assert.equal(answer.headers["content-type"], "text/html; charset=utf-8");
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.equal(answer.headers["referrer-policy"], "no-referrer");
  assert.equal(answer.headers["x-content-type-options"], "nosniff");
  assert.equal(answer.headers["cross-origin-opener-policy"], "same-origin");
  assert.match(String(answer.headers["permissions-policy"]), /clipboard-write=\(self\), fullscreen=\(self\)/);
  assert.equal(
    answer.headers["content-security-policy"],
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; " +
      `connect-src 'self' ${node.origin.replace("http", "ws")}; base-uri 'none'; form-action 'none'; ` +
      "frame-ancestors https://portal.example.com",
  );
});

test("nobody may frame the viewer where nobody is allowed to, and the WebSocket may be elsewhere", async () => {
  await using other = await startTestNode({
    settings: { frameAncestors: [] },
    flags: { "public-websocket-url": "https://ws.example.com:8443" },
  });

  const policy = String((await ask("/p/x/console.html", {}, other)).headers["content-security-policy"]);

  assert.match(policy, /frame-ancestors 'none'$/);
  assert.match(policy, /connect-src 'self' wss:\/\/ws\.example\.com:8443;/);
});

test("a page that is opened by another of the node's names finds its WebSocket there", async () => {
  const found = { pageOrigin: "https://now.example.com", webSocketOrigin: "https://now.example.com:8443" };
  await using other = await startTestNode({
    settings: { found },
    flags: { "public-websocket-url": "http://127.0.0.1:8443" },
  });
  const policyFor = async (host: string) =>
    String((await ask("/p/x/console.html", { headers: { host } }, other)).headers["content-security-policy"]);

  assert.match(await policyFor("now.example.com"), /connect-src 'self' wss:\/\/now\.example\.com:8443;/);
  assert.match(await policyFor("127.0.0.1"), /connect-src 'self' ws:\/\/127\.0\.0\.1:8443;/);
  assert.match(await policyFor("evil.example"), /connect-src 'self' wss:\/\/now\.example\.com:8443;/);
});

test("a ticket at the root, as Nova's clients are given it, leads to the page, where nobody on the way sees it", async () => {
  const answer = await ask("/?token=e30.a-b_c&title=db-1");

  assert.deepEqual([answer.status, answer.text], [302, ""]);
  assert.equal(answer.headers["location"], "p/-/console.html#token=e30.a-b_c");
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.equal(answer.headers["referrer-policy"], "no-referrer");
  assert.equal((await ask("/p/-/console.html")).status, 200);
  for (const path of [
    "/",
    "/?token=",
    "/?token=a%0d%0ab",
    "/?token=a/../b",
    "/?other=1&token=a",
    "//x?token=a",
  ])
    assert.equal((await ask(path)).status, 404, path);
  assert.equal((await ask("/?token=a", { method: "POST" })).headers["allow"], "GET, HEAD");
});

test("a setting that is no origin never gets into a header", async () => {
  const evil = "https://a.example; script-src *";
  await using other = await startTestNode({
    settings: { frameAncestors: [evil, "null", "https://ok.example"] },
  });

  const policy = String((await ask("/p/x/console.html", {}, other)).headers["content-security-policy"]);

  assert.match(policy, /frame-ancestors https:\/\/ok\.example$/);
});

test("assets with a hash in their name are kept for ever, others are asked for again", async () => {
  assert.equal(
    (await ask("/p/x/assets/console-Ab12Cd34.js")).headers["cache-control"],
    "public, max-age=31536000, immutable",
  );
  assert.equal((await ask("/p/x/icon.svg")).headers["cache-control"], "no-cache");
});

test("who has a file already is not sent it again", async () => {
  const { headers } = await ask("/p/x/icon.svg");
  const etag = String(headers["etag"]);

  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const answer = await ask("/p/x/icon.svg", { headers: { "if-none-match": known } });
    assert.deepEqual([answer.status, answer.text], [304, ""]);
  }
  assert.equal((await ask("/p/x/icon.svg", { headers: { "if-none-match": '"other"' } })).status, 200);
});

test("a text goes out in the best coding that the browser takes, each with a tag of its own", async () => {
  const path = "/p/x/assets/large-Ab12Cd34.js";
  const plain = await ask(path);
  const tags = new Set([plain.headers["etag"]]);

  for (const [offer, coding] of [
    ["gzip, br", "br"],
    ["gzip", "gzip"],
  ] as const) {
    const headers = { "accept-encoding": offer };
    const encoded = await ask(path, { headers });
    const known = { ...headers, "if-none-match": String(encoded.headers["etag"]) };

    assert.equal(encoded.headers["content-encoding"], coding);
    assert.equal(encoded.headers["vary"], "Accept-Encoding");
    assert.equal(encoded.headers["content-type"], plain.headers["content-type"]);
    assert.ok(Number(encoded.headers["content-length"]) < Number(plain.headers["content-length"]) / 10);
    assert.equal(await (await fetch(`${node.origin}${path}`, { headers })).text(), plain.text);
    assert.equal((await ask(path, { headers: known })).status, 304);
    assert.equal((await ask(path, { headers: { "if-none-match": known["if-none-match"] } })).status, 200);
    tags.add(known["if-none-match"]);
  }

  assert.equal(tags.size, 3);
  assert.equal(plain.headers["content-encoding"], undefined);
  assert.equal(plain.headers["vary"], "Accept-Encoding");
  assert.equal((await ask("/p/x/icon.svg")).headers["vary"], undefined);
});

test("HEAD answers as GET does, without the file", async () => {
  const answer = await ask("/p/x/console.html", { method: "HEAD" });

  assert.deepEqual([answer.status, answer.text, answer.headers["content-length"]], [200, "", "37"]);
});

const NOWHERE = [
  "/",
  "/console.html",
  "/p/x",
  "/p/x/",
  "/p//console.html",
  "/p/x/../../../etc/passwd",
  "/p/x/..%2f..%2fetc%2fpasswd",
  "/p/x/%2e%2e/console.html",
  "/p/x/..;/console.html",
  "/p/x/..\\console.html",
  "/p/x/%5c..%5cconsole.html",
  "/p/x//console.html",
  "/p/x/./console.html",
  "/p/x/console.html/",
  "/p/x/console%2ehtml",
  "/p/x/assets",
  "/p/x/assets/",
  "/p/x/console.html%00",
  "/p/../p/x/console.html",
  "/p/x%2fy/console.html",
  "//evil.example/p/x/console.html",
  "/p/x/linked.html",
  "/p/x/node-identity.json",
  "/p/x/__proto__",
  "/p/x/constructor",
  "/healthz",
  "/metrics",
  "http://127.0.0.1/p/x/console.html",
];

for (const path of NOWHERE) {
  test(`there is nothing at ${path}`, async () => {
    const answer = await ask(path);

    assert.equal(answer.status, 404);
    assert.equal(JSON.parse(answer.text).error.code, "not_found");
    assert.match(String(answer.headers["content-security-policy"]), /default-src 'none'/);
  });
}

test("a file that was put beside the viewer later is not served, nor is a link", async () => {
  writeFileSync(join(node.folder, "viewer", "late.html"), "late");
  symlinkSync("/etc/passwd", join(node.folder, "viewer", "passwd.txt"));

  assert.equal((await ask("/p/x/late.html")).status, 404);
  assert.equal((await ask("/p/x/passwd.txt")).status, 404);
});

test("a person gets a page that says what is wrong, without markup of the request in it", async () => {
  const answer = await ask("/p/x/<script>alert(1)</script>", { headers: { accept: "text/html,*/*" } });

  assert.equal(answer.headers["content-type"], "text/html; charset=utf-8");
  assert.match(answer.text, /<h1>There is nothing here, or it is not yours to see\.<\/h1>/);
  assert.doesNotMatch(answer.text, /script/);
});

test("only GET and HEAD are taken for files", async () => {
  const answer = await ask("/p/x/console.html", { method: "DELETE" });

  assert.deepEqual([answer.status, answer.headers["allow"]], [405, "GET, HEAD"]);
});

test("a console is opened again over the link, with where its viewer comes from", async () => {
  const answer = await reopen({ credential: "reopen-1" }, { origin: node.origin });

  assert.equal(answer.status, 200);
  assert.deepEqual(JSON.parse(answer.text), { url: "http://node.example.com/p/x/console.html#token=new" });
  assert.equal(answer.headers["cache-control"], "no-store");
  const { credential, viewerAddress } = node.control.reopenings.at(-1) ?? {};
  assert.deepEqual({ credential, viewerAddress }, { credential: "reopen-1", viewerAddress: "127.0.0.1" });
});

test("what control says to a reopening is handed on", async () => {
  node.control.refusals.push({ call: "reopen", code: "reopen_invalid" });

  const answer = await reopen({ credential: "reopen-1" });

  assert.equal(answer.status, 410);
  assert.equal(JSON.parse(answer.text).error.code, "reopen_invalid");
});

const BAD_REOPENINGS: readonly [
  what: string,
  status: number,
  code: string,
  body: unknown,
  headers: Record<string, string>,
][] = [
  [
    "from a page of another site",
    403,
    "origin_refused",
    { credential: "x" },
    { origin: "https://evil.example" },
  ],
  [
    "that a browser calls cross-site",
    403,
    "origin_refused",
    { credential: "x" },
    { "sec-fetch-site": "cross-site" },
  ],
  [
    "without JSON's content type",
    415,
    "media_type_unsupported",
    { credential: "x" },
    { "content-type": "text/plain" },
  ],
  ["that is no JSON", 400, "request_invalid", "{", {}],
  ["without a credential", 400, "request_invalid", {}, {}],
  ["with a number for a credential", 400, "request_invalid", { credential: 7 }, {}],
  ["with an endless credential", 400, "request_invalid", { credential: "x".repeat(300) }, {}],
  ["that is too large", 413, "body_too_large", { credential: "x".repeat(5_000) }, {}],
];

for (const [what, status, code, body, headers] of BAD_REOPENINGS) {
  test(`a reopening ${what} is refused`, async () => {
    const asked = node.control.reopenings.length;

    const answer = await reopen(body, headers);

    assert.equal(answer.status, status);
    assert.equal(JSON.parse(answer.text).error.code, code);
    assert.equal(node.control.reopenings.length, asked);
  });
}

test("a reopening that does not say its length is bounded as well", async () => {
  const asked = request(`${node.origin}/p/x/reopen`, {
    method: "POST",
    headers: { "content-type": "application/json", "transfer-encoding": "chunked" },
  });
  asked.on("error", () => {});
  for (let sent = 0; sent < 100; sent++) asked.write("x".repeat(1_000));

  const [response] = await once(asked, "response");

  assert.equal(response.statusCode, 413);
  asked.destroy();
});

test("a reopening that breaks off is no error of ours", async () => {
  const asked = request(`${node.origin}/p/breaks-off/reopen`, {
    method: "POST",
    headers: { "content-type": "application/json", "content-length": "100" },
  });
  asked.on("error", () => {});
  asked.write('{"cred', () => asked.destroy());

  const line = await eventually(() => {
    const [found] = node
      .log()
      .split("\n")
      .filter((text) => text.includes("the body breaks off"));
    assert.ok(found !== undefined);
    return JSON.parse(found);
  });
  assert.equal(line.level, 20);
  assert.doesNotMatch(node.log(), /Request failed/);
});

test("a reopening is asked for with POST", async () => {
  const answer = await ask("/p/x/reopen");

  assert.deepEqual([answer.status, answer.headers["allow"]], [405, "POST"]);
});

test("a reopening that is too large is told so to whoever sends all of it first", async () => {
  const headers = { "content-type": "application/json" };
  const answer = await postDeafly(node.origin, { path: "/p/project-1/reopen", mebibytes: 5, headers });

  assert.match(answer, /^HTTP\/1\.1 413 .*"code":"body_too_large"/s);
});

interface Question {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

async function reopen(body: unknown, headers: Record<string, string> = {}) {
  return await ask("/p/project-1/reopen", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

/** With node:http, since fetch would tidy up the path. */
async function ask(path: string, { method = "GET", headers = {}, body }: Question = {}, asked = node) {
  const { hostname, port } = new URL(asked.origin);
  const sent = request({ hostname, port, path, method, headers });
  sent.end(body);
  const [response] = await once(sent, "response");
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return {
    status: response.statusCode,
    headers: response.headers,
    text: Buffer.concat(chunks).toString("utf8"),
  };
}
