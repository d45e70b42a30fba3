import assert from "node:assert/strict";
import { test } from "node:test";
import { consoleDomain, publicNames } from "./public-names.ts";

// The first six are CloudStack's ConsoleProxyInfoTest, whose root has its scheme from the same configuration.
const NAMES: readonly [domain: string, origin: string, named: string][] = [
  ["console.example.com", "https://1.2.3.4", "https://console.example.com"],
  ["console.example.com", "http://1.2.3.4:80", "http://console.example.com"],
  ["*.example.com", "https://1.2.3.4:8443", "https://1-2-3-4.example.com:8443"],
  ["*.example.com", "http://1.2.3.4:8888", "http://1-2-3-4.example.com:8888"],
  ["", "http://1.2.3.4:8888", "http://1.2.3.4:8888"],
  ["", "https://1.2.3.4:8443", "https://1.2.3.4:8443"],
  ["*.example.com", "https://203.0.113.7:443", "https://203-0-113-7.example.com"],
  ["*.example.com", "http://[2001:db8::7]:8080", "http://2001-db8--7.example.com:8080"],
  ["*.example.com", "http://[::1]", "http://0--1.example.com"],
  ["*.example.com", "http://[2001:db8::]", "http://2001-db8--0.example.com"],
  ["*.example.com", "https://node-1.example.net", "https://node-1.example.net"],
  ["console.example.com", "https://node-1.example.net", "https://node-1.example.net"],
];

for (const [domain, origin, named] of NAMES) {
  test(`${origin} under “${domain}” is ${named}`, () => {
    const { pageOrigin, webSocketOrigin } = publicNames(
      { pageOrigin: new URL(origin).origin, webSocketOrigin: new URL(origin).origin },
      domain,
    );

    assert.deepEqual([pageOrigin, webSocketOrigin], [named, named]);
  });
}

for (const good of [
  "",
  "example.com",
  "*.example.com",
  "*.LOCALHOST",
  "a-b.example",
  `*.${"a.".repeat(105)}co`,
]) {
  test(`“${good}” is a domain`, () => assert.equal(consoleDomain(good), good.toLowerCase()));
}

for (const bad of [
  "*",
  "*example.com",
  "a.*.com",
  "-a.com",
  "a..b",
  "http://a.com",
  "1.2.3.4",
  "a b",
  "a.com:80",
  "123",
  "console.1",
  "*.0x7f",
  `${"a.".repeat(126)}co`,
  `*.${"a.".repeat(106)}co`,
]) {
  test(`“${bad}” is no domain`, () => assert.throws(() => consoleDomain(bad), /must be a/));
}
