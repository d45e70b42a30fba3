import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concat } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { SequenceDriver } from "#base/sequence.ts";
import { inPieces, PIECE_SIZES } from "../pieces.ts";
import { ENCODING } from "./encodings.ts";
import {
  encodeClientCutText,
  encodeFramebufferUpdateRequest,
  encodeKeyEvent,
  encodePointerEvent,
  encodeServerCutText,
  encodeSetEncodings,
  encodeSetPixelFormat,
} from "./messages.ts";
import { readServerMessage } from "./read-server-message.ts";
import { readViewerMessage, type ViewerMessage } from "./read-viewer-message.ts";

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffffffff);
const plain = { noNullPrototype: true } as const;
const channel = fc.record({ max: u16, shift: u8 }, plain);
const area = fc.record({ x: u16, y: u16, width: u16, height: u16 }, plain);

const anyMessage: fc.Arbitrary<ViewerMessage> = fc.oneof(
  fc.record(
    {
      type: fc.constant("set-pixel-format" as const),
      format: fc.record(
        {
          bitsPerPixel: u8,
          depth: u8,
          bigEndian: fc.boolean(),
          trueColour: fc.boolean(),
          red: channel,
          green: channel,
          blue: channel,
        },
        plain,
      ),
    },
    plain,
  ),
  fc.record({ type: fc.constant("set-encodings" as const), encodings: fc.array(fc.integer()) }, plain),
  fc.record(
    { type: fc.constant("framebuffer-update-request" as const), incremental: fc.boolean(), area },
    plain,
  ),
  fc.record({ type: fc.constant("key-event" as const), down: fc.boolean(), keysym: u32 }, plain),
  fc.record({ type: fc.constant("pointer-event" as const), buttons: u8, x: u16, y: u16 }, plain),
  fc.record(
    {
      type: fc.constant("client-cut-text" as const),
      text: fc.array(u8, { maxLength: 100 }).map((codes) => String.fromCharCode(...codes)),
    },
    plain,
  ),
);

function encode(message: ViewerMessage): Uint8Array {
  switch (message.type) {
    case "set-pixel-format":
      return encodeSetPixelFormat(message.format);
    case "set-encodings":
      return encodeSetEncodings(message.encodings);
    case "framebuffer-update-request":
      return encodeFramebufferUpdateRequest(message.incremental, message.area);
    case "key-event":
      return encodeKeyEvent(message.down, message.keysym);
    case "pointer-event":
      return encodePointerEvent(message.buttons, message.x, message.y);
    case "client-cut-text":
      return encodeClientCutText(message.text);
  }
}

test("what a viewer says is read back as it was written, however it is split", () => {
  fc.assert(
    fc.property(anyMessage, fc.constantFrom(...PIECE_SIZES), (message, size) => {
      const driver = new SequenceDriver(readViewerMessage());

      for (const piece of inPieces(concat([encode(message), Uint8Array.of(9)]), size)) driver.push(piece);

      assert.deepEqual(driver.result, message);
      assert.deepEqual([...driver.rest], [9]);
    }),
  );
});

test("what a server copied is read back as it was written, however it is split", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii" }), fc.constantFrom(...PIECE_SIZES), (text, size) => {
      const driver = new SequenceDriver(readServerMessage(4));

      for (const piece of inPieces(encodeServerCutText(text), size)) driver.push(piece);

      assert.deepEqual(driver.result, { type: "server-cut-text", text });
    }),
  );
});

test("clipboard text longer than any single need is read whole", () => {
  const text = "0123456789".repeat(10_000);
  const driver = new SequenceDriver(readViewerMessage());

  for (const piece of inPieces(encodeClientCutText(text), 1_000)) driver.push(piece);

  assert.deepEqual(driver.result, { type: "client-cut-text", text });
});

test("clipboard text of 4 GB is not waited for", () => {
  const viewer = new SequenceDriver(readViewerMessage());
  const server = new SequenceDriver(readServerMessage(4));

  assert.throws(() => viewer.push(Uint8Array.of(6, 0, 0, 0, 255, 255, 255, 255)), ProtocolError);
  assert.throws(() => server.push(Uint8Array.of(3, 0, 0, 0, 255, 255, 255, 255)), ProtocolError);
});

test("a message that RFC 6143 does not have is a ProtocolError", () => {
  const driver = new SequenceDriver(readViewerMessage());

  assert.throws(() => driver.push(Uint8Array.of(255, 0, 0, 0)), ProtocolError);
});

for (const { title, message, bytes } of [
  {
    title: "SetEncodings",
    message: encodeSetEncodings([ENCODING.copyRect, ENCODING.xvp]),
    bytes: [2, 0, 0, 2, 0, 0, 0, 1, 0xff, 0xff, 0xfe, 0xcb],
  },
  {
    title: "FramebufferUpdateRequest",
    message: encodeFramebufferUpdateRequest(true, { x: 1, y: 2, width: 800, height: 600 }),
    bytes: [3, 1, 0, 1, 0, 2, 3, 32, 2, 88],
  },
  { title: "KeyEvent", message: encodeKeyEvent(true, 0xff0d), bytes: [4, 1, 0, 0, 0, 0, 0xff, 0x0d] },
  { title: "PointerEvent", message: encodePointerEvent(5, 258, 3), bytes: [5, 5, 1, 2, 0, 3] },
  { title: "ClientCutText", message: encodeClientCutText("é€"), bytes: [6, 0, 0, 0, 0, 0, 0, 2, 0xe9, 0x3f] },
  {
    title: "ClientCutText of what lies outside Latin-1",
    message: encodeClientCutText("a\u{1f30a}"),
    bytes: [6, 0, 0, 0, 0, 0, 0, 2, 0x61, 0x3f],
  },
  { title: "ServerCutText", message: encodeServerCutText("a"), bytes: [3, 0, 0, 0, 0, 0, 0, 1, 0x61] },
]) {
  test(`${title} has the bytes that RFC 6143 gives it`, () => {
    assert.deepEqual([...message], bytes);
  });
}
