import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, readConfig } from "#base/config.ts";
import { FIELDS, forwardAddress, listenAddresses, loadProxyConfig, publicOrigins } from "./config.ts";

test("without a word a node listens as in CloudStack: pages on 80, the WebSocket on 8080", () => {
  const config = read({ "public-url": "https://console.example.com" });

  assert.deepEqual(listenAddresses(config), [
    { host: "0.0.0.0", port: 80 },
    { host: "0.0.0.0", port: 8080 },
  ]);
});

test("one listen address serves both", () => {
  const config = read({ listen: "127.0.0.1:0" });

  assert.deepEqual(listenAddresses(config), [{ host: "127.0.0.1", port: 0 }]);
  assert.deepEqual(publicOrigins(config, [{ host: "127.0.0.1", port: 8000 }]), {
    pageOrigin: "http://127.0.0.1:8000",
    webSocketOrigin: "http://127.0.0.1:8000",
  });
});

test("two listen addresses have two origins", () => {
  const config = read({ listen: "[::1]:80", "websocket-listen": "[::1]:8080" });

  assert.deepEqual(publicOrigins(config, listenAddresses(config)), {
    pageOrigin: "http://[::1]",
    webSocketOrigin: "http://[::1]:8080",
  });
});

test("the WebSocket is found under the public name, with its own port if it has one", () => {
  const one = read({ listen: "0.0.0.0:8000", "public-url": "https://console.example.com" });
  const two = read({ "public-url": "http://console.example.com" });
  const told = read({
    "public-url": "https://console.example.com",
    "public-websocket-url": "https://ws.example.com",
  });

  const origin = "https://console.example.com";
  assert.deepEqual(publicOrigins(one, listenAddresses(one)), { pageOrigin: origin, webSocketOrigin: origin });
  assert.equal(publicOrigins(two, listenAddresses(two)).webSocketOrigin, "http://console.example.com:8080");
  assert.equal(publicOrigins(told, listenAddresses(told)).webSocketOrigin, "https://ws.example.com");
});

test("nodes that share an address, or listen on one and on every one, have to be told theirs", () => {
  const everywhere = ["--listen", "0.0.0.0:80"];

  for (const args of [
    [...everywhere, "--workers", "2"],
    [...everywhere, "--behind-proxy"],
    [...everywhere, "--reuse-port"],
    [...everywhere, "--websocket-listen", "192.0.2.1:8080"],
  ])
    assert.throws(() => load(args), /--public-url is missing/);
  load([...everywhere, "--workers", "2", "--public-address", "192.0.2.1"]);
});

const ADDRESSES: readonly (readonly [string, string, string])[] = [
  ["203.0.113.7", "http://203.0.113.7:8000", "http://203.0.113.7:8001"],
  ["203.0.113.7:80", "http://203.0.113.7", "http://203.0.113.7:8001"],
  ["2001:db8::7", "http://[2001:db8::7]:8000", "http://[2001:db8::7]:8001"],
  ["[2001:db8::7]", "http://[2001:db8::7]:8000", "http://[2001:db8::7]:8001"],
  ["[2001:db8::7]:443", "http://[2001:db8::7]:443", "http://[2001:db8::7]:8001"],
];
for (const [address, pageOrigin, webSocketOrigin] of ADDRESSES)
  test(`a node whose public address is ${address} has the ports of its listeners where none is said`, () => {
    const config = read({
      listen: "0.0.0.0:8000",
      "websocket-listen": "0.0.0.0:8001",
      "public-address": address,
    });

    assert.deepEqual(publicOrigins(config, listenAddresses(config)), { pageOrigin, webSocketOrigin });
  });

test("a public address is one, and an address", () => {
  const both = ["--public-address", "192.0.2.1", "--public-url", "http://192.0.2.1"];

  assert.throws(() => load(both), /one of them says where the node is/);
  for (const address of ["0.0.0.0", "[::]:80", "192.0.2.1:0", "http://192.0.2.1", ""])
    assert.throws(() => load(["--public-address", address]), /--public-address: must/);
});

test("other nodes find a node where it listens for them, where it says, or where control sees it", () => {
  const listened = { host: "192.0.2.1", port: 9000 };
  const everywhere = { host: "::", port: 9000 };
  const local = "192.0.2.9";
  const told = read({ "forward-address": "nat.example.com:4000" });

  assert.equal(forwardAddress(read({}), { listened, local }), "192.0.2.1:9000");
  assert.equal(forwardAddress(read({}), { listened: everywhere, local }), "192.0.2.9:9000");
  assert.equal(
    forwardAddress(read({}), { listened: everywhere, local: "2001:db8::9" }),
    "[2001:db8::9]:9000",
  );
  assert.equal(forwardAddress(read({}), { listened: everywhere, local: undefined }), undefined);
  assert.equal(forwardAddress(told, { listened, local }), "nat.example.com:4000");
});

test("workers cannot have one port for other nodes between them, and are not without number", () => {
  const some = ["--listen", "127.0.0.1:0", "--workers"];

  assert.throws(() => load([...some, "2", "--forward-listen", "127.0.0.1:9000"]), /one port between them/);
  assert.throws(() => load([...some, "2", "--forward-address", "127.0.0.1:9000"]), /one port between them/);
  assert.throws(() => load([...some, "65"]), /from 1 to 64/);
  load([...some, "2", "--forward-listen", "127.0.0.1:0"]);
});

test("workers are watched at ports that there are", () => {
  const some = ["--listen", "127.0.0.1:0", "--workers", "3", "--admin-listen"];

  load([...some, "65533"]);
  load([...some, "0"]);
  assert.throws(() => load([...some, "65534"]), /each of 3 workers is watched at a port of its own/);
});

test("a bad configuration is refused as a whole, with a sentence for each mistake", () => {
  const flags = { control: "http://127.0.0.1:8250", listen: "80", "max-sessions": "0", "public-url": "x" };

  assert.throws(
    () => readConfig(FIELDS, { flags, env: {}, file: {} }),
    (error: unknown) => error instanceof ConfigError && error.problems.length === 5,
  );
});

function read(flags: Readonly<Record<string, string>>) {
  const needed = { control: "https://127.0.0.1:8250", data: "./data" };
  return readConfig(FIELDS, { flags: { ...needed, ...flags }, env: {}, file: {} });
}

function load(args: readonly string[]) {
  return loadProxyConfig(["--control", "https://127.0.0.1:8250", "--data", "./data", ...args]);
}
