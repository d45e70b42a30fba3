import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalAddress } from "./address.ts";

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
