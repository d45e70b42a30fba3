import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concat } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { SequenceDriver } from "#base/sequence.ts";
import { inPieces, PIECE_SIZES } from "../pieces.ts";
import { encodeFramebufferUpdate } from "./framebuffer-update.ts";
import { encodeServerCutText } from "./messages.ts";
import { takeSnapshot } from "./snapshot.ts";

const SCREEN = { width: 4, height: 2 };
const BELL = Uint8Array.of(2);

function start(screen = SCREEN) {
  const painted: { x: number; y: number; row: number[] }[] = [];
  const said: Uint8Array[] = [];
  const driver = new SequenceDriver(
    takeSnapshot(screen, {
      send: (bytes) => said.push(bytes),
      paint: (x, y, row) => painted.push({ x, y, row: [...row] }),
    }),
  );
  return { driver, painted, said };
}

function raw(x: number, y: number, width: number, height: number, value: number) {
  return {
    x,
    y,
    width,
    height,
    encoding: "raw",
    pixels: new Uint8Array(width * height * 4).fill(value),
  } as const;
}

test("it asks for one whole screen, in Raw, in 32 bits little-endian", () => {
  const { said } = start();

  const bytes = [...concat(said)];
  const setPixelFormat = [0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];
  const setEncodings = [2, 0, 0, 1, 0, 0, 0, 0];
  const request = [3, 0, 0, 0, 0, 0, 0, 4, 0, 2];
  assert.deepEqual(bytes, [...setPixelFormat, ...setEncodings, ...request]);
});

for (const size of PIECE_SIZES) {
  test(`rows are painted where they belong, in pieces of ${size}, whatever comes between`, () => {
    const { driver, painted } = start();
    const stream = concat([
      BELL,
      encodeFramebufferUpdate([raw(0, 0, 2, 2, 7)]),
      encodeServerCutText("copied"),
      encodeFramebufferUpdate([raw(2, 0, 2, 1, 8), raw(2, 1, 2, 1, 9)]),
      BELL,
    ]);

    for (const piece of inPieces(stream, size)) if (!driver.done) driver.push(piece);

    assert.equal(driver.done, true);
    assert.deepEqual(
      painted.map(({ x, y, row }) => [x, y, row.length, row[0]]),
      [
        [0, 0, 8, 7],
        [0, 1, 8, 7],
        [2, 0, 8, 8],
        [2, 1, 8, 9],
      ],
    );
  });
}

test("an empty screen is done at once, and one that is too wide is none", () => {
  assert.equal(start({ width: 0, height: 0 }).driver.done, true);
  assert.throws(() => start({ width: 16_385, height: 1 }), ProtocolError);
});

const WRONG: readonly [what: string, bytes: Uint8Array][] = [
  ["a rectangle beyond the screen", encodeFramebufferUpdate([raw(3, 0, 2, 1, 0)])],
  [
    "another encoding",
    encodeFramebufferUpdate([
      { x: 0, y: 0, width: 1, height: 1, encoding: "copy-rect", from: { x: 0, y: 0 } },
    ]),
  ],
  ["an unknown message", Uint8Array.of(77)],
  ["a bell that never stops", new Uint8Array(5_000).fill(BELL[0] ?? 0)],
  ["far more than the screen", encodeFramebufferUpdate(Array.from({ length: 5 }, () => raw(0, 0, 4, 2, 0)))],
];
for (const [what, bytes] of WRONG) {
  test(`${what} is a protocol error`, () => {
    const { driver } = start();

    assert.throws(() => driver.push(bytes), ProtocolError);
  });
}

test("any garbage is a protocol error, or asks for a bounded more", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4096 }), (garbage) => {
      const { driver } = start();
      try {
        if (!driver.done) driver.push(garbage);
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
      }
    }),
  );
});
