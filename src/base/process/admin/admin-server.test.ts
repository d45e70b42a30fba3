import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { eventually } from "../../../../test/harness/eventually.ts";
import { ConfigError } from "../../config.ts";
import { type Check, openAdmin } from "./admin-server.ts";
import { adminFields } from "./config.ts";

async function open(parts: {
  readonly checks?: Readonly<Record<string, Check>>;
  readonly metrics?: () => Promise<string>;
  readonly names?: readonly string[];
}) {
  const { checks = {}, metrics = async () => "a 1\n", names = [] } = parts;
  return await openAdmin({ listen: { host: "127.0.0.1", port: 0 }, names, metrics, checks });
}

async function ask(origin: string, path: string) {
  const response = await fetch(`${origin}${path}`);
  return [response.status, await response.text()];
}

test("a process is ready when nothing is wrong with anything that it needs, and else says what", async () => {
  let problem: string | undefined;
  await using admin = await open({ checks: { one: () => problem, two: async () => undefined } });

  assert.deepEqual(await ask(admin.origin, "/readyz"), [200, "ready\n"]);
  problem = "it is away";
  assert.deepEqual(await ask(admin.origin, "/readyz"), [503, "one: it is away\n"]);
  assert.deepEqual(await ask(admin.origin, "/livez"), [200, "live\n"]);
});

test("what a check throws is not told, and one that never answers is not waited for", async () => {
  await using admin = await open({
    checks: {
      broken: () => {
        throw new Error("password=hunter22");
      },
      stuck: () => new Promise(() => {}),
    },
  });

  assert.deepEqual(await ask(admin.origin, "/readyz"), [
    503,
    "broken: it fails; the log says why\nstuck: no answer within 2000 ms\n",
  ]);
});

test("metrics that cannot be read are a failure, and the next reading is another", async () => {
  let fails = true;
  await using admin = await open({
    metrics: async () => {
      if (fails) throw new Error("secret");
      return "a 1\n";
    },
  });

  assert.deepEqual(await ask(admin.origin, "/metrics"), [500, "it could not be read\n"]);
  fails = false;
  assert.deepEqual(await ask(admin.origin, "/metrics?x=1"), [200, "a 1\n"]);
});

test("with more connections than there may be, the one that was asked on longest ago is closed", async () => {
  await using admin = await open({});
  const { hostname: host, port } = new URL(admin.origin);
  const connections: Socket[] = [];
  await using opened = new AsyncDisposableStack();
  const come = async () => {
    const socket = connect({ host, port: Number(port) });
    socket.on("error", () => {});
    opened.defer(() => void socket.destroy());
    connections.push(socket);
    // Answered, so that the next one comes after it.
    socket.write("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await once(socket, "data");
    return socket;
  };
  const [first, second] = [await come(), await come()];
  for (let count = 2; count < 32; count++) await come();
  first.write("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await once(first, "data");

  await come();

  await eventually(() => assert.ok(second.resume().destroyed));
  assert.ok(connections.every((socket) => socket === second || !socket.destroyed));
});

test("an address that is taken is a mistake of the configuration, and names the flag", async () => {
  await using admin = await open({});
  const listen = { host: "127.0.0.1", port: Number(new URL(admin.origin).port) };

  await assert.rejects(
    openAdmin({ listen, names: [], metrics: async () => "", checks: {} }),
    (error) => error instanceof ConfigError && /^--admin-listen 127\.0\.0\.1:\d+: /.test(error.message),
  );
});

test("a port alone is one of loopback, and a collector is a URL without credentials", () => {
  const { adminListen, otlpEndpoint } = adminFields("X");

  assert.deepEqual(adminListen.parse("9100"), { host: "127.0.0.1", port: 9100 });
  assert.deepEqual(adminListen.parse("[::]:9100"), { host: "::", port: 9100 });
  assert.throws(() => adminListen.parse("somewhere"), /HOST:PORT/);
  assert.equal(otlpEndpoint.parse("http://collector:4318/"), "http://collector:4318");
  for (const bad of ["collector:4318", "http://u:p@c", "ftp://c", "http://c/?x=1"])
    assert.throws(() => otlpEndpoint.parse(bad), /must be a URL/, bad);
});
