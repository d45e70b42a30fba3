import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, readConfig } from "#base/config.ts";
import { FIELDS, listenAddresses, publicOrigins } from "./config.ts";

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

test("a node that listens on every address has to be told its own", () => {
  for (const flags of [{}, { listen: "0.0.0.0:80" }, { listen: "[::]:80" }]) {
    assert.throws(() => listenAddresses(read(flags)), /--public-url is missing/);
  }
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
