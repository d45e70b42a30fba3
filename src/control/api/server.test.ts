import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { brotliCompressSync } from "node:zlib";
import { parseTrustedProxy } from "#wire/trusted-proxies.ts";
import { basic, testApi } from "../../../test/harness/api.ts";
import { postDeafly } from "../../../test/harness/deaf-sender.ts";
import { scratch } from "../../../test/harness/scratch.ts";

const WORKER = `export const words = "${"worker ".repeat(200)}";`;

function builtPages(folder: string): string {
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>Operator</title>");
  writeFileSync(join(folder, "assets", "main-abc.js"), "export {};");
  writeFileSync(join(folder, "assets", "browser-worker-abc.js"), WORKER);
  writeFileSync(join(folder, "assets", "browser-worker-abc.js.br"), brotliCompressSync(WORKER));
  writeFileSync(join(folder, ".hidden"), "no");
  return folder;
}

describe("the Host header", () => {
  test("may name the configured origins, and loopback in every spelling at the port that was reached", async () => {
    await using api = await testApi({
      origins: ["https://console.example.com", "http://other.example.com:8080"],
    });
    const { port } = new URL(api.origin);
    const status = async (host: string) =>
      (await api.call("GET", "/api/v1/openapi.json", { headers: { host } })).status;

    for (const host of [
      "console.example.com",
      "CONSOLE.example.com:443",
      "other.example.com:8080",
      `127.0.0.1:${port}`,
      `localhost:${port}`,
      `[::1]:${port}`,
    ])
      assert.equal(await status(host), 200, host);

    for (const host of [
      "evil.example.com",
      `evil.example.com:${port}`,
      "console.example.com:80",
      "console.example.com.evil.com",
      "other.example.com",
      "127.0.0.1:1",
      "localhost",
      `192.0.2.1:${port}`,
    ])
      assert.equal(await status(host), 421, host);
  });

  test("that names nobody gets a catalogue code, on pages and APIs alike", async () => {
    await using folder = scratch();
    await using api = await testApi({ webRoot: builtPages(folder.path) });
    const headers = { host: "rebound.example.com" };

    for (const path of ["/", "/api/v1/me", "/assets/main-abc.js", "/nothing"]) {
      const { status, text: body } = await api.call("GET", path, { headers });

      assert.equal(status, 421, path);
      assert.match(body, /"code":"host_unknown"/);
      assert.doesNotMatch(body, /Operator|export/);
    }
  });
});

describe("headers of a front proxy", () => {
  test("are believed from nobody: neither the name, nor the address, nor the scheme", async () => {
    await using api = await testApi({ origins: ["https://console.example.com"] });
    await api.control.node();
    const { id } = await api.control.machine();
    const forged = {
      "x-forwarded-for": "198.51.100.7",
      "x-forwarded-host": "console.example.com",
      "x-forwarded-proto": "https",
      forwarded: "for=198.51.100.7;host=console.example.com;proto=https",
    };

    const rebound = await api.call("GET", "/api/v1/openapi.json", {
      headers: { ...forged, host: "evil.example.com" },
    });
    await api.call("POST", `/api/v1/machines/${id}/consoles`, { as: api.keys, headers: forged });
    const cookie = await api.signIn();

    assert.equal(rebound.status, 421);
    const { items } = await api.control.services.sessions.list(api.control.admin, {});
    assert.deepEqual(
      items.map(({ creatorAddress }) => creatorAddress),
      ["127.0.0.1"],
    );
    assert.match(cookie, /^porthole=/, "the cookie is that of plain HTTP");
  });
});

describe("the operator's pages", () => {
  test("are served with a strict policy, the page itself never kept and its assets for ever", async () => {
    await using folder = scratch();
    await using api = await testApi({ webRoot: builtPages(folder.path) });

    const page = await api.call("GET", "/");
    const asset = await api.call("GET", "/assets/main-abc.js");

    assert.equal(page.status, 200);
    assert.match(page.text, /Operator/);
    assert.equal(page.headers.get("cache-control"), "no-store");
    assert.equal(asset.headers.get("cache-control"), "public, max-age=31536000, immutable");
    for (const { headers } of [page, asset]) {
      const policy = String(headers.get("content-security-policy"));
      assert.match(policy, /default-src 'none'/);
      assert.match(policy, /script-src 'self'(;|$)/);
      assert.match(policy, /style-src 'self'(;|$)/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe|upgrade-insecure/);
      assert.equal(headers.get("referrer-policy"), "no-referrer");
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.equal(headers.get("x-frame-options"), "DENY");
    }
  });

  test("go out encoded to who takes that, with all that the file itself is said to be", async () => {
    await using folder = scratch();
    await using api = await testApi({ webRoot: builtPages(folder.path) });
    const ask = async (coding: string) =>
      await fetch(`${api.origin}/assets/browser-worker-abc.js`, { headers: { "accept-encoding": coding } });

    const plain = await ask("identity");
    const encoded = await ask("gzip, br");

    assert.deepEqual([await plain.text(), await encoded.text()], [WORKER, WORKER]);
    assert.equal(plain.headers.get("content-encoding"), null);
    assert.equal(encoded.headers.get("content-encoding"), "br");
    for (const name of ["content-type", "content-security-policy", "cache-control", "vary"])
      assert.equal(encoded.headers.get(name), plain.headers.get(name), name);
    assert.match(String(encoded.headers.get("content-type")), /javascript/);
    assert.match(String(encoded.headers.get("content-security-policy")), /connect-src http:/);
    assert.equal(encoded.headers.get("vary"), "accept-encoding");
    assert.notEqual(encoded.headers.get("etag"), plain.headers.get("etag"));
  });

  test("are found by their folder, whatever coding the browser takes", async () => {
    for (const size of [40, 4000]) {
      await using folder = scratch();
      const page = `<!doctype html><title>Operator</title>${" ".repeat(size)}`;
      const root = builtPages(folder.path);
      writeFileSync(join(root, "index.html"), page);
      if (size > 1024) writeFileSync(join(root, "index.html.br"), brotliCompressSync(page));
      await using api = await testApi({ webRoot: root });

      for (const method of ["GET", "HEAD"])
        for (const coding of ["gzip, deflate, br, zstd", "deflate", "*", "identity"]) {
          const answer = await fetch(`${api.origin}/?a=b`, {
            method,
            headers: { "accept-encoding": coding },
          });

          assert.equal(answer.status, 200, `${method} ${coding}`);
          assert.equal(await answer.text(), method === "GET" ? page : "");
          assert.match(String(answer.headers.get("content-type")), /^text\/html/);
          assert.equal(answer.headers.get("cache-control"), "no-store");
          assert.match(String(answer.headers.get("content-security-policy")), /default-src 'none'/);
        }
    }
  });

  test("are given whole, whatever range is asked for", async () => {
    await using folder = scratch();
    await using api = await testApi({ webRoot: builtPages(folder.path) });

    for (const range of ["bytes=2-5", "bytes=999999-", "bytes=nonsense"]) {
      const { status, text } = await api.call("GET", "/assets/browser-worker-abc.js", { headers: { range } });

      assert.deepEqual([status, text], [200, WORKER], range);
    }
  });

  test("give away nothing outside their folder", async () => {
    await using folder = scratch();
    await using api = await testApi({ webRoot: builtPages(folder.path) });

    for (const path of [
      "/../package.json",
      "/%2e%2e/package.json",
      "/..%2f..%2fetc/passwd",
      "/.hidden",
      "/assets/",
      "/%00",
    ]) {
      const { status, text: body } = await api.call("GET", path);

      assert.ok(status >= 400 && status < 500, `${path}: ${status}`);
      assert.match(body, /"error":\{"code"/);
    }
  });

  test("redirect nobody anywhere", async () => {
    await using folder = scratch();
    await using api = await testApi({ webRoot: builtPages(folder.path) });

    for (const path of [
      "//evil.example.com/%2F..",
      "//evil.example.com/assets",
      "/assets",
      "/%5cevil.example.com",
    ]) {
      const { status, headers } = await api.call("GET", path);

      assert.ok(status >= 400 && status < 500, `${path}: ${status}`);
      assert.equal(headers.get("location"), null);
    }
  });

  test("are simply not there where they were not built", async () => {
    await using api = await testApi();

    const { status, text: body } = await api.call("GET", "/");

    assert.equal(status, 404);
    assert.match(body, /"code":"not_found"/);
  });
});

describe("the log", () => {
  test("has one line a request, with the route's pattern and never the address", async () => {
    await using api = await testApi();

    const { json } = await api.call("GET", "/api/v1/machines/secret-in-path?after=secret-in-query", {
      as: api.keys,
    });
    await api.call("GET", "/secret-nowhere?token=secret-token");

    const lines = api
      .log()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const answered = lines.filter(({ msg }) => msg === "Request answered");
    assert.deepEqual(
      answered.map(({ method, route, status }) => [method, route, status]),
      [
        ["GET", "/api/v1/machines/:id", 404],
        ["GET", "none", 404],
      ],
    );
    const { error } = json as { error: { reference: string } };
    assert.equal(answered[0].reference, error.reference);
    assert.doesNotMatch(api.log(), /secret-/);
    assert.ok(!api.log().includes(api.keys.secretKey));
  });

  test("holds what went wrong inside, under the reference that the caller got instead", async () => {
    await using api = await testApi();
    await api.control.store.db.schema.dropTable("machines").execute();

    const { status, text: body, json } = await api.call("GET", "/api/v1/machines", { as: api.keys });

    assert.equal(status, 500);
    const { error } = json as { error: { code: string; reference: string; detail?: string } };
    assert.equal(error.code, "internal");
    assert.equal(error.detail, undefined);
    assert.doesNotMatch(body, /no such table|sqlite|\.ts/i);
    const failed = api
      .log()
      .split("\n")
      .find((line) => line.includes("Request failed"));
    assert.match(String(failed), new RegExp(`"reference":"${error.reference}"`));
    assert.match(String(failed), /"stack"/);
  });
});

describe("what is hardly HTTP", () => {
  async function speak(origin: string, bytes: string): Promise<string> {
    const { hostname, port } = new URL(origin);
    const socket = connect(Number(port), hostname);
    socket.write(bytes);
    return await text(socket);
  }

  test("gets an error of the catalogue and a closed connection", async () => {
    await using api = await testApi();

    const garbage = await speak(api.origin, "\u0016\u0003\u0001 what is this\r\n\r\n");
    const header = await speak(api.origin, `GET / HTTP/1.1\r\nx: ${"y".repeat(100_000)}\r\n\r\n`);
    const noHost = await speak(api.origin, "GET / HTTP/1.0\r\n\r\n");
    const absolute = await speak(
      api.origin,
      "GET http://evil.example.com/api/v1/openapi.json HTTP/1.1\r\nHost: evil.example.com\r\nConnection: close\r\n\r\n",
    );

    assert.match(garbage, /^HTTP\/1\.1 400 .*"code":"request_invalid"/s);
    assert.match(header, /^HTTP\/1\.1 431 Request Header .*"code":"headers_too_large"/s);
    assert.match(absolute, /^HTTP\/1\.1 421 .*"code":"host_unknown"/s);
    assert.match(noHost, /^HTTP\/1\.1 421 .*"code":"host_unknown"/s);
  });

  test("behind a request that is still being answered gets no answer of its own", async () => {
    await using api = await testApi();
    const { services } = api.control;
    const broken = once(api.app.server, "clientError");
    const { list } = services.machines;
    services.machines.list = async (...args) => {
      await broken;
      return await list(...args);
    };
    const { host } = new URL(api.origin);

    const received = await speak(
      api.origin,
      `GET /api/v1/machines HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${basic(api.keys)}\r\n\r\n\u0016 what is this\r\n\r\n`,
    );

    assert.match(received, /^HTTP\/1\.1 200 /);
    assert.match(received, /\r\n\r\n\{"items":\[\]\}$/);
  });

  for (const [path, type, words] of [
    ["/api/v1/machines", "application/json", '"code":"body_too_large"'],
    ["/client/api?response=json", "application/x-www-form-urlencoded", '"errorcode":413'],
  ] as const)
    test(`a body at ${path} that is too large is told so to whoever sends all of it first`, async () => {
      await using api = await testApi();

      const headers = { "content-type": type, authorization: basic(api.keys) };
      const answer = await postDeafly(api.origin, { path, mebibytes: 5, headers });

      assert.match(answer, /^HTTP\/1\.1 413 /);
      assert.ok(answer.includes(words), answer);
    });

  test("a request that does not arrive in time is told so", { timeout: 30_000 }, async () => {
    await using api = await testApi();
    // The same answer, sooner: the timeout is the server's own property.
    assert.equal(api.app.server.headersTimeout, 10_000);
    assert.equal(api.app.server.requestTimeout, 15_000);
    api.app.server.headersTimeout = 1;

    const answer = await speak(api.origin, "GET / HTTP/1.1\r\nHost: ");

    assert.match(answer, /^HTTP\/1\.1 408 Request Timeout.*"code":"request_timeout"/s);
  });

  test("connections beyond the bound are closed at once, and there is a bound", async () => {
    await using api = await testApi();
    assert.equal(api.app.server.maxConnections, 10_000);
    api.app.server.maxConnections = 0;

    const answer = await speak(api.origin, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").catch(() => "");

    assert.equal(answer, "");
  });

  test("an address that cannot be decoded is invalid, and says so", async () => {
    await using api = await testApi();

    const { status, text: body } = await api.call("GET", "/api/v1/machines/%ff", { as: api.keys });

    assert.equal(status, 400);
    assert.match(body, /"code":"request_invalid".*cannot be decoded/);
  });
});

describe("X-Forwarded-For", () => {
  for (const [who, trusted, address] of [
    ["a trusted proxy", "127.0.0.1", "192.0.2.9"],
    ["anybody else", "10.0.0.0/8", "127.0.0.1"],
  ] as const)
    test(`of ${who} is ${who === "anybody else" ? "no word about" : "where"} the caller is, for the audit log`, async () => {
      await using api = await testApi({ trustedProxies: [parseTrustedProxy(trusted)] });
      const headers = { "x-forwarded-for": "192.0.2.9" };

      const call = { as: api.keys, body: { name: "p" }, headers };

      const { status } = await api.call("POST", "/api/v1/projects", call);

      const { admin, services } = api.control;
      const { items } = await services.audit.list(admin, { action: "project.add" });
      assert.deepEqual([status, items[0]?.address], [201, address]);
    });
});

for (const [who, trusted, status] of [
  ["a trusted proxy", "127.0.0.1", 200],
  ["anybody else", "10.0.0.0/8", 421],
] as const)
  test(`X-Forwarded-Host of ${who} ${status === 200 ? "is" : "is not"} the Host that was asked`, async () => {
    const origins = ["https://console.example.com"];
    await using api = await testApi({ origins, trustedProxies: [parseTrustedProxy(trusted)] });
    const ask = async (forwarded: string) => {
      const headers = { host: "upstream", "x-forwarded-host": forwarded };
      return (await api.call("GET", "/api/v1/openapi.json", { headers })).status;
    };

    assert.equal(await ask("console.example.com"), status);
    assert.equal(await ask("forged.example.com, console.example.com"), status);
    assert.equal(await ask("console.example.com, forged.example.com"), 421);
    assert.equal(await ask(""), 421);
  });
