import assert from "node:assert/strict";
import { test } from "node:test";
import { SequenceDriver } from "#base/sequence.ts";
import { inPieces, PIECE_SIZES } from "../pieces.ts";
import { spiceLink, spiceReply } from "./link.ts";

/** As spice-html5 asks for the channel of what is typed. */
const LINK = Uint8Array.from([
  ...[0x52, 0x45, 0x44, 0x51], // magic
  ...[2, 0, 0, 0], // major version
  ...[2, 0, 0, 0], // minor version
  ...[22, 0, 0, 0], // size
  ...[0x78, 0x56, 0x34, 0x12], // connection_id
  3, // channel_type: inputs
  0, // channel_id
  ...[1, 0, 0, 0], // num_common_caps
  ...[0, 0, 0, 0], // num_channel_caps
  ...[18, 0, 0, 0], // caps_offset
  ...[9, 0, 0, 0], // common caps
]);

test("a viewer's first message is read to its end, however it is cut, and is handed on as it came", () => {
  for (const size of PIECE_SIZES) {
    const driver = new SequenceDriver(spiceLink());
    for (const piece of inPieces(Uint8Array.of(...LINK, 0xff), size)) driver.push(piece);

    assert.deepEqual(driver.result, { connectionId: 0x12345678, channelType: 3, bytes: LINK });
    assert.deepEqual([...driver.rest], [0xff]);
  }
});

test("what does not begin as SPICE does is known by its first bytes", () => {
  assert.throws(() => new SequenceDriver(spiceLink()).push(Buffer.from("RFB ")), /does not begin as SPICE/);
  assert.throws(() => new SequenceDriver(spiceReply()).push(Buffer.from("RFB ")), /does not begin as SPICE/);
});

test("a message that is too short to say which channel it is for, or longer than any, is not waited for", () => {
  for (const size of [0, 5, 1025, 0xffffffff]) {
    const header = LINK.slice(0, 16);
    new DataView(header.buffer).setUint32(12, size, true);

    assert.throws(() => new SequenceDriver(spiceLink()).push(header), /another size/);
  }
});

test("a server's answer is known by its first bytes, and the rest is the viewer's", () => {
  const driver = new SequenceDriver(spiceReply());
  for (const byte of Buffer.from("REDQ\x02")) driver.push(Uint8Array.of(byte));

  assert.equal(Buffer.from(driver.result).toString(), "REDQ");
  assert.deepEqual([...driver.rest], [2]);
});
