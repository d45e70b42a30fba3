import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseTrustedProxy, whereaboutsOf } from "./trusted-proxies.ts";

const trusted = ["10.0.0.0/8", "fd00::/8"].map(parseTrustedProxy);

const ROWS: readonly [peer: string, header: string | undefined, address: string, doubt?: string][] = [
  ["192.0.2.1", undefined, "192.0.2.1"],
  ["::ffff:192.0.2.1", undefined, "192.0.2.1"],
  ["192.0.2.1", "198.51.100.9", "192.0.2.1", "not trusted"],
  ["10.0.0.1", undefined, "10.0.0.1", "no header"],
  ["10.0.0.1", "198.51.100.9", "198.51.100.9"],
  ["::ffff:10.0.0.1", "198.51.100.9", "198.51.100.9"],
  ["fd00::1", "2001:DB8:0::9", "2001:db8::9"],
  ["10.0.0.1", "198.51.100.9:4711", "198.51.100.9"],
  ["10.0.0.1", "[2001:db8::9]:4711", "2001:db8::9"],
  ["10.0.0.1", "[2001:db8::9]", "2001:db8::9"],
  // A chain of proxies: what stands before the first one that is not trusted, the viewer has written itself.
  ["10.0.0.1", "203.0.113.66, 198.51.100.9, 10.2.2.2", "198.51.100.9"],
  ["10.0.0.1", "10.3.3.3,10.2.2.2", "10.3.3.3"],
  ["10.0.0.1", "198.51.100.9,unknown", "10.0.0.1"],
  ["10.0.0.1", "198.51.100.9, evil, 10.2.2.2", "10.2.2.2"],
  ["10.0.0.1", "", "10.0.0.1"],
  ["10.0.0.1", "0x7f.1", "10.0.0.1"],
];

for (const [peer, header, address, doubt] of ROWS)
  test(`from ${peer} with ${header === undefined ? "no header" : `“${header}”`} it is ${address}`, () => {
    const expected = doubt === undefined ? { address } : { address, doubt };

    assert.deepEqual(whereaboutsOf(peer, header, trusted), expected);
  });

test("whatever a viewer writes, it is where its proxy saw it", () => {
  fc.assert(
    fc.property(fc.string(), (written) => {
      const seen = "198.51.100.9";

      assert.equal(whereaboutsOf("10.0.0.1", `${written}, ${seen}`, trusted).address, seen);
    }),
  );
});

test("a thousand proxies are not asked one after the other", () => {
  const header = ["198.51.100.9", ...Array.from({ length: 1000 }, () => "10.0.0.2")].join(",");

  assert.equal(whereaboutsOf("10.0.0.1", header, trusted).address, "10.0.0.2");
});

for (const wrong of ["10.0.0.1/8", "proxy.example", "", "10.0.0.0/33", "::ffff:10.0.0.1"])
  test(`“${wrong}” is no proxy to be trusted`, () => {
    assert.throws(() => parseTrustedProxy(wrong));
  });
