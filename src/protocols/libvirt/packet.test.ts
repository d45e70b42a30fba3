import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { concat } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { heldBytes } from "../../../test/harness/held-memory.ts";
import { inPieces, PIECE_SIZES } from "../pieces.ts";
import { encodeKeepalive, isPing } from "./keepalive.ts";
import { encodePacket, limits, PACKET_STATUSES, PACKET_TYPES, type Packet, PacketReader } from "./packet.ts";

const uint = fc.integer({ min: 0, max: 0xffff_ffff });
const packet = fc.record(
  {
    program: uint,
    version: uint,
    procedure: fc.integer({ min: 0, max: 0x7fff_ffff }),
    type: fc.constantFrom(...PACKET_TYPES),
    serial: uint,
    status: fc.constantFrom(...PACKET_STATUSES),
    body: fc.uint8Array({ maxLength: 200 }),
  },
  { noNullPrototype: true },
);

const PING: Packet = {
  ...{ program: 1, version: 1, procedure: 1, type: "message", serial: 0, status: "ok" },
  body: new Uint8Array(0),
};

describe("packets", () => {
  test("come out as they were put in, however they are cut", () => {
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 5 }), fc.constantFrom(...PIECE_SIZES), (packets, size) => {
        const reader = new PacketReader();

        const read = [...inPieces(concat(packets.map(encodePacket)), size)].flatMap((piece) => [
          ...reader.push(piece),
        ]);

        assert.deepEqual(
          read.map((each) => ({ ...each, body: Uint8Array.from(each.body) })),
          packets,
        );
      }),
    );
  });

  test("are the same to the byte as libvirt's own: a ping", () => {
    const ping = encodeKeepalive("ping");

    const [read] = new PacketReader().push(ping);

    assert.equal(
      Buffer.from(ping).toString("hex"),
      "0000001c6b6565700000000100000001000000020000000000000000",
    );
    assert.ok(read !== undefined && isPing(read));
  });

  test("whatever comes, it is packets or no protocol", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...PIECE_SIZES), (bytes, size) => {
        const reader = new PacketReader();
        try {
          for (const piece of inPieces(bytes, size))
            for (const each of reader.push(piece)) assert.ok(each.body);
        } catch (error) {
          assert.ok(error instanceof ProtocolError);
        }
      }),
    );
  });

  test("what stands before something that is no packet is a packet all the same", () => {
    const ping = encodeKeepalive("ping");
    const packets = new PacketReader().push(concat([ping, new Uint8Array(4)]));

    const first = packets.next();

    assert.ok(first.done !== true && isPing(first.value));
    assert.throws(() => packets.next(), ProtocolError);
  });

  test("one that comes byte by byte takes no hundred times its length", () => {
    const bytes = 1_000_000;
    const ping = Uint8Array.from(encodePacket({ ...PING, body: new Uint8Array(bytes) }));
    const reader = new PacketReader();
    const before = heldBytes();

    for (let at = 0; at < bytes; at++) assert.deepEqual([...reader.push(ping.slice(at, at + 1))], []);
    const held = heldBytes() - before;
    const [packet] = reader.push(ping.subarray(bytes));

    assert.ok(held < 16 * bytes, `${held} bytes`);
    assert.equal(packet?.body.length, bytes);
  });

  test("a length beyond what libvirt sends, or below a header, is refused before anything is kept for it", () => {
    const { packetBytes } = limits;
    for (const length of [0, 27, packetBytes + 1, 0xffff_ffff]) {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, length);

      assert.throws(() => [...new PacketReader().push(bytes)], ProtocolError);
    }
  });
});
