import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { allowsAddress, allowsPath, parseUpstreamAllow } from "./upstream-allow.ts";

test("an empty setting allows nothing", () => {
  const allow = parseUpstreamAllow("");

  assert.equal(allowsAddress(allow, "127.0.0.1", 5900), false);
  assert.equal(allowsAddress(allow, "::1", 5900), false);
  assert.equal(allowsPath(allow, "/run/vnc.sock"), false);
});

const ADDRESS_ROWS: readonly [setting: string, address: string, port: number, allowed: boolean][] = [
  ["10.0.0.0/8", "10.255.1.2", 1, true],
  ["10.0.0.0/8", "11.0.0.1", 5900, false],
  ["10.0.0.0/8:5900-5999", "10.0.0.1", 5900, true],
  ["10.0.0.0/8:5900-5999", "10.0.0.1", 5999, true],
  ["10.0.0.0/8:5900-5999", "10.0.0.1", 5899, false],
  ["10.0.0.0/8:5900-5999", "10.0.0.1", 6000, false],
  ["192.0.2.7:5901", "192.0.2.7", 5901, true],
  ["192.0.2.7:5901", "192.0.2.7", 5902, false],
  ["192.0.2.7", "192.0.2.8", 5901, false],
  ["0.0.0.0/0", "203.0.113.9", 22, true],
  ["0.0.0.0/0", "::1", 22, false],
  ["::/0", "::1", 22, true],
  ["::/0", "127.0.0.1", 22, false],
  ["fd00::/8", "fd12::1", 5900, true],
  ["[fd00::/8]:5900", "fd12::1", 5900, true],
  ["[fd00::/8]:5900", "fd12::1", 5901, false],
  ["[::1]:5900", "::1", 5900, true],
  ["::1", "0:0:0:0:0:0:0:1", 5900, true],
  [" 10.0.0.0/8 , 192.0.2.0/24:22 ", "192.0.2.1", 22, true],
  ["127.0.0.0/8", "::ffff:127.0.0.1", 5900, true],
  ["127.0.0.0/8", "::ffff:7f00:1", 5900, true],
  ["::/0", "::ffff:127.0.0.1", 5900, false],
  ["127.0.0.0/8", "localhost", 5900, false],
  ["127.0.0.0/8", "2130706433", 5900, false],
  ["127.0.0.0/8", "0x7f.0.0.1", 5900, false],
  ["127.0.0.0/8", "0177.0.0.1", 5900, false],
  ["127.0.0.0/8", "127.1", 5900, false],
  ["fe80::/10", "fe80::1%eth0", 5900, true],
];

for (const [setting, address, port, allowed] of ADDRESS_ROWS) {
  test(`“${setting}” ${allowed ? "allows" : "does not allow"} ${address} port ${port}`, () => {
    assert.equal(allowsAddress(parseUpstreamAllow(setting), address, port), allowed);
  });
}

const PATH_ROWS: readonly [setting: string, path: string, allowed: boolean][] = [
  ["unix:/run/vm.sock", "/run/vm.sock", true],
  ["unix:/run/vm.sock", "/run/vm.sock2", false],
  ["unix:/run/*", "/run/vm.sock", true],
  ["unix:/run/*", "/run/a/b/vnc.sock", true],
  ["unix:/run/*", "/running/vm.sock", false],
  ["unix:/run/*", "/run/../etc/shadow", false],
  ["unix:/run/*", "/run//vm.sock", false],
  ["unix:/run/*", "/run/", false],
  ["unix:/run/*", "run/vm.sock", false],
  ["unix:/run/*", "/run/vm\0.sock", false],
  ["unix:/*", "/tmp/vm.sock", true],
  ["10.0.0.0/8", "/run/vm.sock", false],
];

for (const [setting, path, allowed] of PATH_ROWS) {
  test(`“${setting}” ${allowed ? "allows" : "does not allow"} the socket ${JSON.stringify(path)}`, () => {
    assert.equal(allowsPath(parseUpstreamAllow(setting), path), allowed);
  });
}

const REFUSED_ROWS: readonly [setting: string, complaint: RegExp][] = [
  ["10.0.0.0/8, hypervisor.example.com", /“hypervisor.example.com”: must be an address/],
  ["10.0.0.0/33", /“10.0.0.0\/33”: the prefix after \/ must be a number from 0 to 32/],
  ["10.0.0.0/", /the prefix after \//],
  ["10.1.2.3/8", /goes on behind the first 8 bits/],
  ["fd00::1/8", /goes on behind the first 8 bits/],
  ["10.0.0.1:0", /the port must be/],
  ["10.0.0.1:65536", /the port must be/],
  ["10.0.0.1:", /the port must be/],
  ["10.0.0.1:1-2-3", /the port must be/],
  ["10.0.0.1:vnc", /the port must be/],
  ["10.0.0.1:5910-5900", /the first port is larger/],
  ["fd00::/8:5900", /from 0 to 128, and with a port the network stands in brackets/],
  ["[fd00::/8", /brackets stand around/],
  ["::ffff:10.0.0.0/104", /write an IPv4-mapped address as IPv4/],
  ["fe80::1%eth0", /must be an address/],
  ["010.0.0.1", /must be an address/],
  ["0x7f000001", /must be an address/],
  ["10.0.0.0/8/8", /must be an address/],
  ["*", /must be an address/],
  ["unix:run/vm.sock", /begins with a slash/],
  ["unix:/run/../etc/*", /no empty, “.” or “..” parts/],
  ["unix:/run//*", /no empty/],
  ["unix:/run/", /a folder ends with \/\*/],
  ["unix:/run/*.sock", /a \* stands only at the end/],
  ["unix:", /begins with a slash/],
  [Array.from({ length: 257 }, () => "::1").join(","), /more than 256 items/],
];

for (const [setting, complaint] of REFUSED_ROWS) {
  test(`“${setting.slice(0, 40)}” is refused with ${complaint}`, () => {
    assert.throws(() => parseUpstreamAllow(setting), complaint);
  });
}

test("an address is allowed exactly where its first bits are the network's", () => {
  const octet = fc.integer({ min: 0, max: 255 });
  const quad = fc.tuple(octet, octet, octet, octet);
  const value = (octets: readonly number[]) => octets.reduce((sum, part) => sum * 256 + part, 0);

  fc.assert(
    fc.property(quad, quad, fc.integer({ min: 0, max: 32 }), (network, candidate, prefix) => {
      const size = 2 ** (32 - prefix);
      const base = Math.floor(value(network) / size) * size;
      const cidr = [24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join(".");
      const allow = parseUpstreamAllow(`${cidr}/${prefix}`);

      const inside = Math.floor(value(candidate) / size) * size === base;

      assert.equal(allowsAddress(allow, candidate.join("."), 5900), inside);
    }),
  );
});

test("whatever is asked or written, it is judged or refused, and nothing else is thrown", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (setting, asked) => {
      assert.equal(typeof allowsAddress(parseUpstreamAllow("0.0.0.0/0,::/0,unix:/*"), asked, 1), "boolean");
      try {
        parseUpstreamAllow(setting);
      } catch (error) {
        assert.match(String(error), /“.*”: .+|more than/s);
      }
    }),
  );
});
