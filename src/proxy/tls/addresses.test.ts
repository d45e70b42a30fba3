import assert from "node:assert/strict";
import { test } from "node:test";
import { readConfig } from "#base/config.ts";
import { FIELDS, listenAddresses, loadProxyConfig } from "../config.ts";
import { tlsListenAddresses, tlsOrigins, wantedAddress } from "./addresses.ts";

type Flags = Readonly<Record<string, string>>;

const ORIGINS: readonly (readonly [string, Flags, string, string])[] = [
  [
    "without a word, as in CloudStack: pages on 443, the WebSocket on 8443",
    { "public-address": "203.0.113.7" },
    "https://203.0.113.7",
    "https://203.0.113.7:8443",
  ],
  [
    "on one port, which is the plain one's",
    { listen: "192.0.2.1:8000" },
    "https://192.0.2.1:8000",
    "https://192.0.2.1:8000",
  ],
  [
    "on two ports, which are the plain ones'",
    { listen: "[::1]:80", "websocket-listen": "[::1]:8080" },
    "https://[::1]:80",
    "https://[::1]:8080",
  ],
  [
    "on one port of its own",
    { listen: "192.0.2.1:80", "tls-listen": "192.0.2.1:443" },
    "https://192.0.2.1",
    "https://192.0.2.1",
  ],
  [
    "on two ports of its own",
    {
      listen: "192.0.2.1:80",
      "tls-listen": "192.0.2.1:443",
      "tls-websocket-listen": "192.0.2.1:8443",
    },
    "https://192.0.2.1",
    "https://192.0.2.1:8443",
  ],
  [
    "behind a NAT that changes ports",
    { "public-address": "203.0.113.7:10080", "public-tls-url": "https://203.0.113.7:10443" },
    "https://203.0.113.7:10443",
    "https://203.0.113.7:8443",
  ],
  [
    "behind a NAT that changes both ports",
    {
      "public-address": "203.0.113.7:10080",
      "public-tls-url": "https://203.0.113.7:10443",
      "public-tls-websocket-url": "https://203.0.113.7:18443",
    },
    "https://203.0.113.7:10443",
    "https://203.0.113.7:18443",
  ],
  [
    "under the name of a front proxy that does TLS itself, unchanged",
    { listen: "0.0.0.0:8000", "public-url": "https://console.example.com" },
    "https://console.example.com",
    "https://console.example.com",
  ],
];

for (const [where, flags, pageOrigin, webSocketOrigin] of ORIGINS)
  test(`with TLS a node is found ${where}`, () => {
    const config = read(flags);
    const bound = { plain: listenAddresses(config), tls: tlsListenAddresses(config) };

    assert.deepEqual(tlsOrigins(config, bound), { pageOrigin, webSocketOrigin });
  });

test("a node that listens on every address, and is not told its own, wants one", () => {
  const wanted = (flags: Readonly<Record<string, string>>, ...ports: readonly number[]) => {
    const config = read(flags);
    const got = listenAddresses(config).map((address, index) => ({ ...address, port: ports[index] ?? 0 }));
    const tls = tlsListenAddresses(config);
    return wantedAddress(config, { plain: got, tls });
  };

  assert.deepEqual(wanted({}, 80, 8080), {
    scheme: "http",
    pagePort: 80,
    webSocketPort: 8080,
    tls: { pagePort: 443, webSocketPort: 8443 },
    families: ["ipv4"],
  });
  assert.deepEqual(wanted({ listen: "[::]:0" }, 8000), {
    scheme: "http",
    pagePort: 8000,
    webSocketPort: 8000,
    tls: { pagePort: 8000, webSocketPort: 8000 },
    families: ["ipv4", "ipv6"],
  });
  for (const flags of [
    { listen: "192.0.2.1:80" },
    { listen: "0.0.0.0:80", "public-address": "192.0.2.1" },
    { listen: "0.0.0.0:80", "public-url": "https://console.example.com" },
  ])
    assert.equal(wanted(flags, 80), undefined);
});

test("ports for TLS are given as a whole, and by https", () => {
  assert.throws(() => load("--tls-websocket-listen", "127.0.0.1:1"), /--tls-listen is missing/);
  assert.throws(() => load("--public-tls-websocket-url", "https://a.example"), /--public-tls-url is missing/);
  assert.throws(() => load("--public-tls-url", "http://a.example"), /must begin with https/);
});

function read(flags: Flags) {
  const needed = { control: "https://127.0.0.1:8250", data: "./data" };
  return readConfig(FIELDS, { flags: { ...needed, ...flags }, env: {}, file: {} });
}

function load(...args: readonly string[]) {
  const needed = ["--control", "https://127.0.0.1:8250", "--data", "./data", "--listen", "127.0.0.1:0"];
  return loadProxyConfig([...needed, ...args]);
}
