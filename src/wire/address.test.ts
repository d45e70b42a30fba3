import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalAddress, isWildcard } from "./address.ts";

const ROWS: readonly [text: string, canonical: string | undefined][] = [
  ["192.0.2.7", "192.0.2.7"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["::ffff:c000:207", "192.0.2.7"],
  ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
  ["2001:db8::0001", "2001:db8::1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["::1", "::1"],
  ["fe80::1%eth0", "fe80::1%eth0"],
  ["192.0.2", undefined],
  ["0300.0.2.7", undefined],
  ["3221226119", undefined],
  ["[::1]", undefined],
  ["192.0.2.7:5900", undefined],
  ["localhost", undefined],
  ["", undefined],
];

for (const [text, canonical] of ROWS) {
  test(`“${text}” is ${canonical ?? "no address"}`, () => {
    assert.equal(canonicalAddress(text), canonical);
  });
}

for (const host of [
  "0.0.0.0",
  "0",
  "0x0",
  "0.0",
  "00.0.0.0",
  "::",
  "0:0:0:0:0:0:0:0",
  "::ffff:0.0.0.0",
  "*",
]) {
  test(`to listen on ${host} is to listen on every address`, () => {
    assert.equal(isWildcard(host), true);
  });
}

for (const host of ["127.0.0.1", "::1", "10.0.0.0", "localhost", "0.example", ""]) {
  test(`to listen on “${host}” is not to listen on every address`, () => {
    assert.equal(isWildcard(host), false);
  });
}
