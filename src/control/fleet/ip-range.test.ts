import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, firstFree, keyOfOrigin, parseIpRange, sizeOf } from "./ip-range.ts";

const GOOD: readonly (readonly [text: string, first: string, last: string, size: bigint])[] = [
  ["203.0.113.7", "203.0.113.7", "203.0.113.7", 1n],
  ["203.0.113.7-203.0.113.7", "203.0.113.7", "203.0.113.7", 1n],
  ["203.0.113.250 - 203.0.114.5", "203.0.113.250", "203.0.114.5", 12n],
  ["203.0.113.0/24", "203.0.113.1", "203.0.113.254", 254n],
  ["203.0.113.4/30", "203.0.113.5", "203.0.113.6", 2n],
  ["203.0.113.4/31", "203.0.113.4", "203.0.113.5", 2n],
  ["203.0.113.4/32", "203.0.113.4", "203.0.113.4", 1n],
  ["10.0.0.0/8", "10.0.0.1", "10.255.255.254", 2n ** 24n - 2n],
  ["127.0.0.0/8", "127.0.0.1", "127.255.255.254", 2n ** 24n - 2n],
  ["2001:DB8::7", "2001:db8::7", "2001:db8::7", 1n],
  ["2001:db8::fffe-2001:db8::1:1", "2001:db8::fffe", "2001:db8::1:1", 4n],
  ["2001:db8::/64", "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", 2n ** 64n - 1n],
  ["2001:db8::/126", "2001:db8::1", "2001:db8::3", 3n],
  ["2001:db8::/127", "2001:db8::", "2001:db8::1", 2n],
];
for (const [text, first, last, size] of GOOD)
  test(`the range ${text} is from ${first} to ${last}`, () => {
    const range = parseIpRange(text);

    assert.deepEqual([addressOf(range.first), addressOf(range.last), sizeOf(range)], [first, last, size]);
  });

const BAD: readonly (readonly [text: string, problem: RegExp])[] = [
  ["", /“” is not an IP address/],
  ["console.example.com", /is not an IP address/],
  ["203.0.113.07", /is not an IP address/],
  ["0x7f.1", /is not an IP address/],
  ["203.0.113.7-", /“” is not an IP address/],
  ["fe80::1%eth0", /is not an IP address/],
  ["203.0.113.1-203.0.113.2-203.0.113.3", /it must be FIRST-LAST/],
  ["203.0.113.7-203.0.113.6", /first address is behind its last/],
  ["203.0.113.7-2001:db8::1", /of two families/],
  ["203.0.113.0/33", /from 0 to 32/],
  ["203.0.113.0/", /from 0 to 32/],
  ["203.0.113.0/24/24", /from 0 to 32/],
  ["2001:db8::/129", /from 0 to 128/],
  ["203.0.113.7/24", /goes on behind the first 24 bits/],
  ["2001:db8::1/64", /goes on behind the first 64 bits/],
  ["0.0.0.0", /“this network”/],
  ["0.0.0.0/0", /“this network”/],
  ["169.254.1.1", /of a link/],
  ["223.255.255.255-224.0.0.0", /multicast or reserved/],
  ["255.255.255.255", /multicast or reserved/],
  ["::", /unspecified/],
  ["::ffff:203.0.113.7", /IPv4 addresses/],
  ["fe80::1", /of a link/],
  ["ff02::1", /multicast/],
];
for (const [text, problem] of BAD)
  test(`“${text}” is no range: ${problem.source}`, () => assert.throws(() => parseIpRange(text), problem));

test("the first free address is the lowest that is not taken, also in a range without end", () => {
  const small = parseIpRange("203.0.113.9-203.0.113.11");
  const large = parseIpRange("2001:db8::/64");
  const key = (address: string) => parseIpRange(address).first;
  const free = (range: typeof small, ...taken: string[]) => {
    const found = firstFree(range, new Set(taken.map(key)));
    return found === undefined ? undefined : addressOf(found);
  };

  assert.equal(free(small), "203.0.113.9");
  assert.equal(free(small, "203.0.113.9", "203.0.113.11"), "203.0.113.10");
  assert.equal(free(small, "203.0.113.9", "203.0.113.10", "203.0.113.11"), undefined);
  assert.equal(free(large, "2001:db8::1", "2001:db8::2"), "2001:db8::3");
});

test("keys sort as addresses do", () => {
  const inOrder = ["9.0.0.0", "10.0.0.0", "203.0.113.9", "203.0.113.10", "::9", "::10", "2001:db8::"];

  assert.deepEqual(
    inOrder
      .map((address) => parseIpRange(address).first)
      .toSorted()
      .map(addressOf),
    inOrder,
  );
});

test("an origin whose host is a name has no key", () => {
  assert.equal(keyOfOrigin("http://203.0.113.7:8080"), parseIpRange("203.0.113.7").first);
  assert.equal(keyOfOrigin("https://[2001:db8::7]"), parseIpRange("2001:db8::7").first);
  for (const origin of ["http://node.example.com", "", "nonsense"])
    assert.equal(keyOfOrigin(origin), undefined);
});
