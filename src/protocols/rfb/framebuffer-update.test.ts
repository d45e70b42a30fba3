import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ProtocolError } from "#base/protocol-error.ts";
import { SequenceDriver } from "#base/sequence.ts";
import { inPieces, PIECE_SIZES } from "../pieces.ts";
import { encodeFramebufferUpdate, type Rectangle } from "./framebuffer-update.ts";
import { readServerMessage } from "./read-server-message.ts";

const BYTES_PER_PIXEL = 2;
const u16 = fc.nat(0xffff);

const raw: fc.Arbitrary<Rectangle> = fc
  .tuple(u16, u16, fc.nat(5), fc.nat(5))
  .chain(([x, y, width, height]) => {
    const length = width * height * BYTES_PER_PIXEL;
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((pixels) => ({ x, y, width, height, encoding: "raw" as const, pixels }));
  });

const copyRect: fc.Arbitrary<Rectangle> = fc
  .tuple(u16, u16, u16, u16, u16, u16)
  .map(([x, y, width, height, fromX, fromY]) => ({
    ...{ x, y, width, height },
    encoding: "copy-rect" as const,
    from: { x: fromX, y: fromY },
  }));

test("an update is read back as it was written, however it is split", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(raw, copyRect), { maxLength: 5 }),
      fc.constantFrom(...PIECE_SIZES),
      (rectangles, size) => {
        const driver = new SequenceDriver(readServerMessage(BYTES_PER_PIXEL));

        for (const piece of inPieces(encodeFramebufferUpdate(rectangles), size)) driver.push(piece);

        assert.deepEqual(driver.result, { type: "framebuffer-update", rectangles });
      },
    ),
  );
});

test("an update has the bytes that RFC 6143 gives it", () => {
  const update = encodeFramebufferUpdate([
    { x: 1, y: 2, width: 2, height: 1, encoding: "raw", pixels: Uint8Array.of(10, 11) },
    { x: 3, y: 4, width: 5, height: 6, encoding: "copy-rect", from: { x: 7, y: 8 } },
  ]);

  assert.deepEqual(
    [...update],
    [
      ...[0, 0, 0, 2], // message-type, padding, number-of-rectangles
      ...[0, 1, 0, 2, 0, 2, 0, 1, 0, 0, 0, 0, 10, 11], // x, y, width, height, encoding-type, pixels
      ...[0, 3, 0, 4, 0, 5, 0, 6, 0, 0, 0, 1, 0, 7, 0, 8], // x, y, width, height, encoding-type, src-x, src-y
    ],
  );
});

test("a message that needs more than uncompressed pictures is a ProtocolError", () => {
  assert.throws(() => new SequenceDriver(readServerMessage(4)).push(Uint8Array.of(250)), ProtocolError);
});

test("whatever comes, reading it never fails otherwise than by a ProtocolError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
      const driver = new SequenceDriver(readServerMessage(4));
      try {
        driver.push(garbage);
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
      }
    }),
  );
});
