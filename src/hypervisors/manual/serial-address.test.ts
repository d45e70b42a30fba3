import assert from "node:assert/strict";
import { test } from "node:test";
import { formatSerialAddress, parseSerialAddress } from "./serial-address.ts";

const tcp = { kind: "tcp", host: "ser.example", port: 4001 } as const;

test("a serial line is bare, or telnet, by TCP, TLS and a UNIX socket", () => {
  assert.deepEqual(parseSerialAddress("SER.example:4001"), { address: tcp });
  assert.deepEqual(parseSerialAddress("telnet://ser.example:4001"), { address: tcp, telnet: true });
  assert.deepEqual(parseSerialAddress("telnets://ser.example:4001"), {
    address: { ...tcp, kind: "tls" },
    telnet: true,
  });
  assert.deepEqual(parseSerialAddress("telnet+unix:/run/vm.serial"), {
    address: { kind: "unix", path: "/run/vm.serial" },
    telnet: true,
  });
});

for (const text of [
  "ser.example:4001",
  "unix:/run/vm.serial",
  "tls://[::1]:1",
  "wss://h:443/a?b",
  "telnet://[::1]:23",
  "telnets://h:992",
  "telnet+unix:/run/a",
])
  test(`${text} is kept as it is written`, () => {
    assert.equal(formatSerialAddress(parseSerialAddress(text)), text);
  });

for (const text of [
  "telnet://",
  "telnet://unix:/a",
  "telnet://ws://h:1/",
  "telnets://h",
  "telnet+unix:a",
  "telnet:h:1",
])
  test(`${text} is refused`, () => {
    assert.throws(() => parseSerialAddress(text), Error);
  });
