import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteReader, ByteWriter, concat, fromLatin1, latin1 } from "./bytes.ts";
import { ProtocolError } from "./protocol-error.ts";

test("what was written is read back", () => {
  const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
  const i32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
  fc.assert(
    fc.property(
      fc.nat(0xff),
      fc.nat(0xffff),
      u32,
      i32,
      fc.uint8Array(),
      (u8, u16, unsigned, signed, bytes) => {
        const message = new ByteWriter()
          .u8(u8)
          .u16(u16)
          .u32(unsigned)
          .i32(signed)
          .padding(3)
          .bytes(bytes)
          .finish();

        const reader = new ByteReader(message);
        assert.equal(reader.u8(), u8);
        assert.equal(reader.u16(), u16);
        assert.equal(reader.u32(), unsigned);
        assert.equal(reader.i32(), signed);
        reader.skip(3);
        assert.deepEqual(reader.bytes(bytes.length), bytes);
        assert.equal(reader.remaining, 0);
      },
    ),
  );
});

test("a message that is too short is a protocol error, not undefined values", () => {
  for (const read of ["u8", "u16", "u32", "i32"] as const) {
    assert.throws(() => new ByteReader(new Uint8Array(0))[read](), ProtocolError);
  }
  assert.throws(() => new ByteReader(Uint8Array.of(1, 2)).bytes(3), ProtocolError);
});

test("a reader respects where its view lies in a larger buffer", () => {
  const view = Uint8Array.of(9, 9, 1, 2, 9).subarray(2, 4);

  assert.equal(new ByteReader(view).u16(), 0x0102);
});

test("concat of nothing is nothing", () => {
  assert.deepEqual(concat([]), new Uint8Array(0));
});

test("Latin-1 goes both ways, and what it lacks becomes a question mark", () => {
  const all = Uint8Array.from({ length: 256 }, (_, index) => index);

  assert.deepEqual(fromLatin1(latin1(all)), all);
  assert.deepEqual(fromLatin1("a→😀"), fromLatin1("a??"));
});
