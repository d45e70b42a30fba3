import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { parseTrustedProxy } from "#wire/trusted-proxies.ts";
import { basic, testApi } from "../../../test/harness/api.ts";
import { builtPages } from "../../../test/harness/built-pages.ts";
import { postDeafly } from "../../../test/harness/deaf-sender.ts";
import { scratch } from "../../../test/harness/scratch.ts";

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
