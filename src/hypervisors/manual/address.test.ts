import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatAddress, parseAddress } from "./address.ts";

test("a host, an IPv4 or an IPv6 address stands before a port, a socket's path after unix:", () => {
  assert.deepEqual(parseAddress("KVM-7.example.com:5901"), {
    kind: "tcp",
    host: "kvm-7.example.com",
    port: 5901,
  });
  assert.deepEqual(parseAddress("10.0.0.7:5900"), { kind: "tcp", host: "10.0.0.7", port: 5900 });
  assert.deepEqual(parseAddress("[2001:DB8::7]:65535"), { kind: "tcp", host: "2001:db8::7", port: 65_535 });
  assert.deepEqual(parseAddress("unix:/run/vnc/web 1.sock"), { kind: "unix", path: "/run/vnc/web 1.sock" });
});

test("TLS from the first byte, and WebSockets, have a scheme before host and port", () => {
  assert.deepEqual(parseAddress("tls://KVM-7.example.com:5901"), {
    kind: "tls",
    host: "kvm-7.example.com",
    port: 5901,
  });
  const ws = { kind: "websocket", host: "kvm-7.example.com", isSecure: false };
  assert.deepEqual(parseAddress("ws://kvm-7.example.com:6080/websockify?token=Web-1"), {
    ...ws,
    port: 6080,
    path: "/websockify?token=Web-1",
  });
  assert.deepEqual(parseAddress("ws://kvm-7.example.com"), { ...ws, port: 80, path: "/" });
  assert.deepEqual(parseAddress("wss://[2001:db8::7]?a"), {
    kind: "websocket",
    host: "2001:db8::7",
    port: 443,
    path: "/?a",
    isSecure: true,
  });
  assert.equal(formatAddress(parseAddress("wss://[2001:DB8::7]")), "wss://[2001:db8::7]:443/");
  assert.equal(formatAddress(parseAddress("tls://[::1]:5901")), "tls://[::1]:5901");
});

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  "spellings that some systems take for an IPv4 address": [
    "127.1:5900",
    "0x7f.1:5900",
    "0x7f000001:5900",
    "2130706433:5900",
    "010.0.0.1:5900",
    "1.2.3.4.5:5900",
    "256.1.1.1:5900",
    "example.1:5900",
  ],
  "ports that are none": [
    "host:0",
    "host:65536",
    "host:",
    "host",
    "host:-1",
    "host:+5",
    "host: 5900",
    "host:0x50",
  ],
  "hosts that are none": [
    ":5900",
    "-a:5900",
    "a-:5900",
    "a..b:5900",
    "a@b:5900",
    "a/b:5900",
    "a b:5900",
    "ä:1",
    "*:1",
  ],
  "IPv6 that is none, or not in brackets": [
    "::1:5900",
    "[::1",
    "[]:1",
    "[127.0.0.1]:1",
    "[fe80::1%eth0]:1",
    "[::1]5900",
  ],
  "paths that are relative, or go up": [
    "unix:",
    "unix:run/vnc",
    "unix:/a/../b",
    "unix:/a//b",
    "unix:/a/",
    "unix:/./a",
  ],
  "paths with a NUL or a line feed": ["unix:/a\0b", "unix:/a\nb"],
  "TLS and WebSockets to nowhere": [
    "tls://host",
    "tls://host:5901/",
    "tls://user@host:5901",
    "tls://127.1:5901",
    "ws://",
    "ws://:6080/",
    "ws://0x7f.1:6080/",
    "ws://user:pass@host:6080/",
    "ws://host:6080/a b",
    "ws://host:6080/#a",
    "ws://host:6080/ä",
    "ws://host:6080/\r\nX: y",
    "WS://host:6080/",
    "ws:host:6080",
  ],
  "what would be a URL": ["http://host:5900", "host:5900/", "host:5900#", "user:pass@host:5900"],
};

for (const [what, texts] of Object.entries(REFUSED)) {
  test(`${what} are refused`, () => {
    for (const text of texts) assert.throws(() => parseAddress(text), Error, JSON.stringify(text));
  });
}

test("a path longer than a socket's name may be is refused, counted in bytes", () => {
  assert.equal(parseAddress(`unix:/${"a".repeat(106)}`).kind, "unix");
  assert.throws(() => parseAddress(`unix:/${"a".repeat(107)}`), /107 bytes/);
  assert.throws(() => parseAddress(`unix:/${"ä".repeat(54)}`), /107 bytes/);
});

test("whatever is taken is written in one way, which reads the same", () => {
  const address = fc.oneof(
    fc.tuple(fc.oneof(fc.ipV4(), fc.domain()), fc.nat(70_000)).map(([host, port]) => `${host}:${port}`),
    fc.tuple(fc.ipV6(), fc.nat(70_000)).map(([host, port]) => `[${host}]:${port}`),
    fc.webPath().map((path) => `unix:${path}`),
    fc.tuple(fc.domain(), fc.nat(70_000)).map(([host, port]) => `tls://${host}:${port}`),
    fc.webUrl({ validSchemes: ["ws", "wss"], withQueryParameters: true }),
    fc.string(),
  );
  fc.assert(
    fc.property(address, (text) => {
      const parsed = parsedOrNothing(text);
      if (parsed === undefined) return;
      const written = formatAddress(parsed);
      assert.deepEqual(parseAddress(written), parsed);
      assert.equal(formatAddress(parseAddress(written)), written);
    }),
  );
});

function parsedOrNothing(text: string): ReturnType<typeof parseAddress> | undefined {
  try {
    return parseAddress(text);
  } catch {
    return undefined;
  }
}
