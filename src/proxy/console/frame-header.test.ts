import assert from "node:assert/strict";
import { test } from "node:test";
import { HEADER_ROOM, writeBinaryHeader } from "./frame-header.ts";

/** RFC 6455 §5.2: FIN and opcode 2, no mask, the length in 7, 7+16 or 7+64 bits. */
const HEADERS: readonly [payloadBytes: number, header: string][] = [
  [0, "8200"],
  [1, "8201"],
  [125, "827d"],
  [126, "827e007e"],
  [65_535, "827effff"],
  [65_536, "827f0000000000010000"],
  [262_144, "827f0000000000040000"],
  [0xffff_ffff, "827f00000000ffffffff"],
];

for (const [payloadBytes, header] of HEADERS) {
  test(`a frame of ${payloadBytes} bytes begins with ${header}, right before its payload`, () => {
    const memory = Buffer.alloc(HEADER_ROOM + 4, 0x5a);

    const start = writeBinaryHeader(memory, payloadBytes);

    assert.equal(memory.subarray(start, HEADER_ROOM).toString("hex"), header);
    assert.ok(memory.subarray(0, start).every((byte) => byte === 0x5a));
    assert.equal(memory.subarray(HEADER_ROOM).toString("hex"), "5a5a5a5a");
  });
}
