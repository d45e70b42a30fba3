import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseProxyHeader } from "./proxy-protocol.ts";

const SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");

function binary(command: number, family: number, rest: Buffer): Buffer {
  const head = Buffer.from([command, family, rest.length >> 8, rest.length & 0xff]);
  return Buffer.concat([SIGNATURE, head, rest]);
}

const IPV4 = Buffer.from([192, 0, 2, 9, 10, 0, 0, 1, 0x12, 0x34, 0x01, 0xbb]);
const IPV6 = Buffer.concat([
  Buffer.from("20010db8000000000000000000000009", "hex"),
  Buffer.alloc(16, 1),
  Buffer.alloc(4),
]);

const GOOD: readonly [what: string, header: Buffer, source: string | undefined][] = [
  ["version 1, IPv4", Buffer.from("PROXY TCP4 192.0.2.9 10.0.0.1 4660 443\r\n"), "192.0.2.9"],
  ["version 1, IPv6", Buffer.from("PROXY TCP6 2001:DB8::9 fd00::1 4660 443\r\n"), "2001:db8::9"],
  ["version 1, unknown", Buffer.from("PROXY UNKNOWN\r\n"), undefined],
  ["version 1, unknown with addresses", Buffer.from("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), undefined],
  ["version 2, IPv4", binary(0x21, 0x11, IPV4), "192.0.2.9"],
  ["version 2, IPv6", binary(0x21, 0x21, IPV6), "2001:db8::9"],
  ["version 2, with more behind", binary(0x21, 0x11, Buffer.concat([IPV4, Buffer.alloc(300)])), "192.0.2.9"],
  ["version 2, local", binary(0x20, 0x00, Buffer.alloc(0)), undefined],
  ["version 2, a UNIX socket", binary(0x21, 0x31, Buffer.alloc(216)), undefined],
];

for (const [what, header, source] of GOOD)
  test(`${what}: says where the viewer is, and where its own bytes begin`, () => {
    for (let length = 0; length < header.length; length += 1)
      assert.equal(parseProxyHeader(header.subarray(0, length)), undefined);

    const read = parseProxyHeader(Buffer.concat([header, Buffer.from("GET / HTTP/1.1\r\n")]));

    assert.deepEqual(read, { bytes: header.length, source });
  });

const BAD: readonly [what: string, header: Buffer][] = [
  ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
  ["TLS", Buffer.from([0x16, 3, 1])],
  ["another family", Buffer.from("PROXY TCP5 192.0.2.9 10.0.0.1 1 2\r\n")],
  ["no address", Buffer.from("PROXY TCP4 nobody 10.0.0.1 1 2\r\n")],
  ["an address as others spell it", Buffer.from("PROXY TCP4 0x7f.1 10.0.0.1 1 2\r\n")],
  ["too few words", Buffer.from("PROXY TCP4 192.0.2.9\r\n")],
  ["a line without end", Buffer.from(`PROXY TCP4 ${"1".repeat(200)}`)],
  ["another version", binary(0x31, 0x11, IPV4)],
  ["another command", binary(0x22, 0x11, IPV4)],
  ["less than its addresses", binary(0x21, 0x11, IPV4.subarray(4))],
  ["more than anybody tells", Buffer.concat([SIGNATURE, Buffer.from([0x21, 0x11, 0xff, 0xff])])],
];

for (const [what, header] of BAD)
  test(`${what} is no PROXY header`, () => {
    assert.throws(() => parseProxyHeader(header), /PROXY header/);
  });

test("whatever comes, it is read, awaited or refused, within its bound", () => {
  const start = fc.constantFrom(
    SIGNATURE,
    Buffer.from("PROXY "),
    Buffer.from("PROXY TCP4 "),
    Buffer.alloc(0),
  );
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), (begin, rest) => {
      const bytes = Buffer.concat([begin, rest]);
      try {
        const header = parseProxyHeader(bytes);
        assert.ok(header === undefined || header.bytes <= bytes.length);
      } catch (error) {
        assert.match(String(error), /PROXY header/);
      }
    }),
  );
});
