import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { reservedNetworkOf } from "./reserved-network.ts";
import {
  allowsPath,
  judgeAddress,
  namesAddress,
  parseUpstreamAllow,
  type UpstreamAllow,
} from "./upstream-allow.ts";

const allowsAddress = (allow: UpstreamAllow, address: string, port: number) =>
  judgeAddress(allow, address, port) === "allowed";

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
  ["::/0", "2001:db8::1", 22, true],
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

const RESERVED_ROWS: readonly [setting: string, address: string, judgement: string][] = [
  ["0.0.0.0/0", "127.0.0.1", "loopback"],
  ["0.0.0.0/0", "0.0.0.0", "loopback"],
  ["0.0.0.0/0", "::ffff:127.0.0.1", "loopback"],
  ["64.0.0.0/2", "127.0.0.1", "loopback"],
  ["126.0.0.0/7", "127.255.255.254", "loopback"],
  ["127.0.0.0/8", "127.0.0.1", "allowed"],
  ["127.0.0.1", "127.0.0.1", "allowed"],
  ["0.0.0.0/0,127.0.0.0/8:5900", "127.0.0.1", "loopback"],
  ["::/0", "::1", "loopback"],
  ["::/0", "::", "loopback"],
  ["::/0", "::7f00:1", "loopback"],
  ["0.0.0.0/0", "::127.0.0.1", "loopback"],
  ["::/0", "64:ff9b::7f00:1", "loopback"],
  ["::/0", "64:ff9b::127.0.0.1", "loopback"],
  ["::/0", "2002:7f00:1::", "loopback"],
  ["64:ff9b::/96", "64:ff9b::a9fe:a9fe", "metadata"],
  ["64:ff9b::/96", "64:ff9b::a00:7", "allowed"],
  ["64:ff9b::7f00:0/104", "64:ff9b::7f00:1", "allowed"],
  ["2002::/16", "2002:a9fe:a9fe::1", "metadata"],
  ["2002:a9fe:a9fe::/48", "2002:a9fe:a9fe::1", "allowed"],
  ["::/0", "::ffff:0:127.0.0.1", "loopback"],
  ["::/0", "::ffff:0:7f00:1", "loopback"],
  ["::/0", "0:0:0:0:FFFF:0:A9FE:A9FE", "metadata"],
  ["::ffff:0:0:0/96", "::ffff:0:169.254.7.7", "link-local"],
  ["::ffff:0:0:0/96", "::ffff:0:10.0.0.7", "allowed"],
  ["::ffff:0:7f00:0/104", "::ffff:0:127.0.0.1", "allowed"],
  // A network's own NAT64, behind a prefix of 96, 64, 56 or 48 bits.
  ["::/0", "64:ff9b:1::127.0.0.1", "loopback"],
  ["::/0", "64:ff9b:1:fffe::a9fe:a9fe", "metadata"],
  ["64:ff9b:1::/48", "64:ff9b:0001:0:0:0:169.254.169.254", "metadata"],
  ["64:ff9b:1::/48", "64:ff9b:1:12:a9:fea9:fe00:0", "metadata"],
  ["64:ff9b:1::/48", "64:ff9b:1:12a9:fe:a9fe::", "metadata"],
  ["64:ff9b:1::/48", "64:ff9b:1:a9fe:a9:fe00::", "metadata"],
  ["64:ff9b:1::/48", "64:ff9b:1:7f00:0:100::", "loopback"],
  ["64:ff9b:1:fffe::/96", "64:ff9b:1:fffe::a00:7", "allowed"],
  ["64:ff9b:1::/96", "64:ff9b:1::10.0.0.7", "allowed"],
  ["64:ff9b:1::/48", "64:ff9b:1:a00:0:700::", "allowed"],
  ["64:ff9b:1:fffe::7f00:0/104", "64:ff9b:1:fffe::7f00:1", "allowed"],
  ["64:ff9b:1:fffe::7e00:0/103", "64:ff9b:1:fffe::7f00:1", "loopback"],
  ["64:ff9b:1:7f00::/56", "64:ff9b:1:7f00:0:100::", "allowed"],
  ["64:ff9b:1:12:7f::/80", "64:ff9b:1:12:7f:0:100::", "allowed"],
  ["0.0.0.0/0", "169.254.169.254", "metadata"],
  ["0.0.0.0/0", "::ffff:169.254.169.254", "metadata"],
  ["169.254.0.0/16", "169.254.169.254", "metadata"],
  ["169.254.169.254", "169.254.169.254", "allowed"],
  ["169.254.0.0/16", "169.254.7.7", "allowed"],
  ["0.0.0.0/0", "169.254.7.7", "link-local"],
  ["0.0.0.0/0", "168.63.129.16", "metadata"],
  ["100.64.0.0/10", "100.100.100.200", "metadata"],
  ["fd00::/8", "fd00:ec2::254", "metadata"],
  ["fd00:ec2::254", "fd00:ec2::254", "allowed"],
  ["fd00::/8", "fd00:ec2::23", "metadata"],
  ["fd00::/8", "FD00:0EC2:0:0:0:0:0:23", "metadata"],
  ["fd00:ec2::/32", "fd00:ec2::0.0.0.35", "metadata"],
  ["fd00:ec2::23", "fd00:ec2::23", "allowed"],
  ["fd00::/8", "fd20:ce::254", "metadata"],
  ["fd00::/8", "fd00:c1::169.254.169.254", "metadata"],
  ["fd00::/8", "fd00:42::42", "metadata"],
  ["fd00::/8", "fd00:a9fe:a9fe::1", "metadata"],
  ["fd00::/8", "fd00:100::100:200", "metadata"],
  ["169.254.0.0/16", "169.254.170.23", "metadata"],
  ["169.254.0.0/16", "169.254.42.42", "metadata"],
  ["169.254.0.0/16", "169.254.0.23", "metadata"],
  ["::/0", "fe80::1%eth0", "link-local"],
  ["fe80::/10", "fe80::a9fe:a9fe", "metadata"],
  ["10.0.0.0/8", "127.0.0.1", "outside"],
];

for (const [setting, address, judgement] of RESERVED_ROWS) {
  test(`of “${setting}”, ${address} is ${judgement}`, () => {
    assert.equal(judgeAddress(parseUpstreamAllow(setting), address, 22), judgement);
  });
}

test("an address and port are named by a rule that means them and nothing else", () => {
  const names = (setting: string) => namesAddress(parseUpstreamAllow(setting), "10.0.0.7", 8443);

  assert.equal(names("10.0.0.7:8443"), true);
  assert.equal(names("10.0.0.7"), false);
  assert.equal(names("10.0.0.0/8:8443"), false);
  assert.equal(names("10.0.0.7:8443-8444"), false);
  assert.equal(names("10.0.0.7:8442"), false);
});

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
      // Of what is reserved a network that is merely wide says nothing.
      fc.pre(reservedNetworkOf(candidate.join(".")) === undefined);
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
