import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { Writable } from "node:stream";
import { test } from "node:test";
import type { FastifyRequest } from "fastify";
import { pino } from "pino";
import { systemClock } from "#base/clock.ts";
import { parseTrustedProxy } from "#wire/trusted-proxies.ts";
import { testControl } from "../../../../test/harness/control.ts";
import { novaToken } from "../../../../test/harness/nova.ts";
import { scratch } from "../../../../test/harness/scratch.ts";
import { FailureLimit } from "../failure-limit.ts";
import { createNovaServer } from "../server.ts";
import { nobodysTokenOf } from "./nobodys-token.ts";

function testLog() {
  const lines: string[] = [];
  const write = (chunk: unknown, _: unknown, done: () => void) => {
    lines.push(String(chunk));
    done();
  };
  const log = pino({ errorKey: "error" }, new Writable({ write }));
  return {
    log,
    warnings: () => lines.filter((line) => line.includes('"level":40')),
    text: () => lines.join(""),
  };
}

const from = (remoteAddress: string, headers: FastifyRequest["headers"] = {}) =>
  ({ id: "r", socket: { remoteAddress }, headers }) as unknown as FastifyRequest;
const HERE = from("127.0.0.1");

/** A Nova port where whoever comes acts by a file that holds nothing yet; and a Keystone that would be asked about what is none of ours. */
async function openPort() {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(scratch());
  const control = opened.use(await testControl());
  const file = join(folder.path, "token");
  const told = testLog();
  const askedKeystone: string[] = [];
  const { services, values, admin } = control;
  const app = createNovaServer({
    services: {
      ...services,
      keystone: {
        ...services.keystone,
        async callerOf(token) {
          askedKeystone.push(token.expose());
          return "unknown";
        },
      },
    },
    ...{ values, log: told.log, origins: [], trustedProxies: [parseTrustedProxy("127.0.0.1")] },
    failures: new FailureLimit(systemClock),
    nobodysToken: nobodysTokenOf(file, told.log),
  });
  opened.defer(async () => await app.close());
  const { hostname, port } = new URL(await app.listen({ host: "127.0.0.1", port: 0 }));
  const owned = opened.move();
  return {
    ...{ control, told, askedKeystone, admin, port, file },
    write: (text: string) => writeFileSync(file, text, { mode: 0o600 }),
    ask: async (headers: Readonly<Record<string, string>>, call: Call = {}) =>
      await send({ hostname, port, headers, ...call }),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

interface Call {
  readonly path?: string;
  readonly method?: string;
  readonly body?: string;
}

/** By node:http, since fetch lets nobody choose Host, and says what page it is of. */
async function send({
  body,
  path = "/v2.1/servers",
  method = body === undefined ? "GET" : "POST",
  ...to
}: Call & {
  readonly hostname: string;
  readonly port: string;
  readonly headers: Readonly<Record<string, string>>;
}) {
  const answered = Promise.withResolvers<IncomingMessage>();
  const request = httpRequest({ ...to, path, method, agent: false }, answered.resolve);
  request.on("error", answered.reject);
  request.end(body);
  const answer = await answered.promise;
  await answer.toArray();
  return { status: answer.statusCode ?? 0, headers: answer.headers };
}

const NOTHING = { "x-auth-token": "notused" };

test("who brings no token acts by the key of the file as it is now, and by none once that is changed or withdrawn", async () => {
  await using port = await openPort();
  const { accounts, audit } = port.control.services;
  const first = await accounts.addApiKey(port.admin, port.admin.accountId);
  const second = await accounts.addApiKey(port.admin, port.admin.accountId);
  const status = async () => (await port.ask(NOTHING)).status;

  assert.equal(await status(), 401, "there is no file yet");
  port.write(`${novaToken(first)}\n`);
  assert.equal(await status(), 200);
  await accounts.removeApiKey(port.admin, port.admin.accountId, first.apiKey);
  assert.equal(await status(), 401, "the key was withdrawn");
  port.write(novaToken(second));
  assert.equal(await status(), 200, "another stands there");
  port.write("");
  assert.equal(await status(), 401, "it is empty");
  rmSync(port.file);
  assert.equal(await status(), 401, "it is gone");

  const { items } = await audit.list(port.admin, { action: "sign-in" });
  assert.deepEqual(
    items.map(({ api, result, address }) => [api, result, address]),
    [["nova", "unauthenticated", "127.0.0.1"]],
  );
  for (const { secretKey } of [first, second]) assert.ok(!port.told.text().includes(secretKey));
});

test("who did something without a token is told by the reference that is in both logs", async () => {
  await using port = await openPort();
  const { accounts, audit } = port.control.services;
  await port.control.node();
  const { id } = await port.control.machine();
  const keys = await accounts.addApiKey(port.admin, port.admin.accountId);
  port.write(novaToken(keys));
  const path = `/v2.1/servers/${id}/action`;
  const body = JSON.stringify({ "os-getVNCConsole": { type: "novnc" } });

  const opened = [
    await port.ask(NOTHING, { path, body }),
    await port.ask({ "x-auth-token": novaToken(keys) }, { path, body }),
  ];

  assert.deepEqual(
    opened.map(({ status }) => status),
    [200, 200],
  );
  const { items } = await audit.list(port.admin, { action: "console.issue" });
  const withoutToken = items.map(({ reference }) =>
    port.told.text().includes(`"reference":"${reference}","msg":"Acts without a token`),
  );
  assert.deepEqual(withoutToken, [false, true], "the newest first");
});

test("nothing but that very token at that very API stands for having none", async () => {
  await using port = await openPort();
  const keys = await port.control.services.accounts.addApiKey(port.admin, port.admin.accountId);
  port.write(novaToken(keys));

  for (const token of [
    "",
    "NOTUSED",
    "notused, notused",
    "notused:",
    ":",
    "none",
    "wrong",
    `${keys.apiKey}:x`,
  ])
    assert.equal((await port.ask({ "x-auth-token": token })).status, 401, token);
  assert.equal((await port.ask({})).status, 401);
  assert.equal((await port.ask({ cookie: "x-auth-token=notused", authorization: "notused" })).status, 401);
  for (const path of ["/identity/v3/auth/tokens", "/identity/v3/auth/projects", "/image/v2/images"])
    assert.equal((await port.ask({ ...NOTHING, "x-subject-token": "notused" }, { path })).status, 401, path);
  const auth = { identity: { methods: ["token"], token: { id: "notused" } } };
  const path = "/identity/v3/auth/tokens";
  const headers = { "content-type": "application/json" };
  assert.equal((await port.ask(headers, { path, body: JSON.stringify({ auth }) })).status, 401);
  assert.deepEqual(
    port.askedKeystone.toSorted(),
    ["NOTUSED", "none", "notused, notused", "wrong"],
    "tokens of others are theirs, and nobody's is none",
  );
});

test("a request that a proxy handed on, or a page in a browser sent, is nobody's of this machine", async () => {
  await using port = await openPort();
  port.write(novaToken(await port.control.services.accounts.addApiKey(port.admin, port.admin.accountId)));
  const signs = {
    forwarded: "for=127.0.0.1",
    via: "1.1 proxy",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-host": `127.0.0.1:${port.port}`,
    "x-forwarded-proto": "http",
    "x-real-ip": "127.0.0.1",
    origin: `http://127.0.0.1:${port.port}`,
    "sec-fetch-site": "same-origin",
  };

  assert.equal((await port.ask(NOTHING)).status, 200);
  for (const [name, value] of Object.entries(signs)) {
    assert.equal((await port.ask({ ...NOTHING, [name]: value })).status, 401, name);
    assert.match(port.told.text(), new RegExp(`"sign":"${name}","reference":"[^"]+","msg":"Refused`));
  }
  for (const host of ["evil.example.com", `evil.example.com:${port.port}`, "localhost.evil.example.com"])
    assert.equal((await port.ask({ ...NOTHING, host })).status, 421, host);
  const preflight = await port.ask(
    {
      origin: "http://evil.example.com",
      "access-control-request-method": "GET",
      "access-control-request-headers": "x-auth-token",
      "access-control-request-private-network": "true",
    },
    { method: "OPTIONS" },
  );
  assert.ok(preflight.status >= 400);
  assert.deepEqual(
    Object.keys(preflight.headers).filter((name) => name.startsWith("access-control-")),
    [],
  );
});

test("addresses of this machine that are not loopback's are from elsewhere, since they may be routed here", async () => {
  await using folder = scratch();
  const file = join(folder.path, "token");
  writeFileSync(file, "key:secret", { mode: 0o600 });
  const nobodys = nobodysTokenOf(file, testLog().log);

  for (const address of ["127.0.0.1", "127.0.0.5", "::1", "::ffff:127.0.0.1"])
    assert.equal(nobodys(from(address)), "key:secret", address);
  for (const address of ["192.0.2.7", "::ffff:192.0.2.7", "fe80::1%eth0", "2002:7f00:1::1", ""])
    assert.equal(nobodys(from(address)), undefined, address);
});

test("what is no key is sent to nobody: not to a Keystone either", async () => {
  await using port = await openPort();

  for (const text of [
    "a-secret-of-something-else",
    "clouds:\n  porthole:\n",
    "one:x\ntwo:y",
    ":secret",
    "key:",
  ]) {
    port.write(text);
    assert.equal((await port.ask(NOTHING)).status, 401, text);
  }

  assert.deepEqual(port.askedKeystone, []);
  assert.doesNotMatch(port.told.text(), /a-secret/);
  assert.equal(port.told.warnings().length, 1, "of one trouble is told once");
});

test("a file that is none, that others may read or write, or that does not end, is not read, and keeps nobody waiting", async () => {
  await using folder = scratch();
  const file = join(folder.path, "token");
  const told = testLog();
  const nobodys = nobodysTokenOf(file, told.log);
  const put = (text: string, mode: number) => {
    rmSync(file, { force: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
  };

  const troubles: readonly [why: RegExp, make: () => void][] = [
    [/ENOENT/, () => {}],
    [/can be read or written by everybody: chmod 600 it/, () => put("key:secret", 0o604)],
    [/does not hold API_KEY:SECRET_KEY/, () => put(`key:${"x".repeat(2000)}`, 0o600)],
    [/can be read or written by everybody: chmod 600 it/, () => put("key:secret", 0o602)],
    [/does not hold API_KEY:SECRET_KEY/, () => put(`${" ".repeat(2000)}key:secret`, 0o600)],
    [
      /is not a file/,
      () => {
        rmSync(file);
        execFileSync("mkfifo", ["-m", "600", file]);
      },
    ],
  ];
  for (const [index, [why, make]] of troubles.entries()) {
    make();
    for (let time = 0; time < 3; time += 1) assert.equal(nobodys(HERE), undefined, String(why));
    assert.equal(told.warnings().length, index + 1);
    assert.match(told.warnings().at(-1) ?? "", why);
  }
  for (const path of ["/dev/zero", folder.path]) {
    rmSync(file);
    symlinkSync(path, file);
    assert.equal(nobodys(HERE), undefined, path);
  }

  put("key:secret", 0o640);
  renameSync(file, `${file}.real`);
  symlinkSync(`${file}.real`, file);
  assert.equal(
    nobodys(HERE),
    "key:secret",
    "as secret stores put files there: its group's too, and by a link",
  );
});
