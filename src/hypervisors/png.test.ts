import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "fast-png";
import { ProtocolError } from "#base/protocol-error.ts";
import { toPng } from "./png.ts";

const ppm = (header: string, pixels: readonly number[]) => ({
  mediaType: "image/x-portable-pixmap",
  bytes: Buffer.concat([Buffer.from(header), Uint8Array.from(pixels)]),
});

test("a PPM becomes a PNG with the same pixels, and a PNG stays as it is", async () => {
  const pixels = [255, 0, 0, 10, 32, 30, 0, 0, 255, 9, 8, 7, 6, 5, 4, 3, 2, 1];
  // A pixel's first byte may be white space, which belongs to no header.
  const picture = ppm("P6\n# made here\n3 2\n255\n", pixels);

  const png = await toPng(picture);

  const { width, height, channels, data } = decode(png);
  assert.deepEqual([width, height, channels, [...data]], [3, 2, 3, pixels]);
  assert.equal(await toPng({ mediaType: "image/png", bytes: png }), png);
});

test("what is no picture, or another than it says, is refused", async () => {
  const wrong = [
    ppm("", []),
    ppm("P6", []),
    ppm("P6 1 1 255\n", [1, 2]),
    ppm("P6 1 1 255\n", [1, 2, 3, 4]),
    ppm("P6 0 1 255\n", []),
    ppm("P6 99999 99999 255\n", [1, 2, 3]),
    ppm("P6 1 1 65535\n", [1, 2, 3, 4, 5, 6]),
    ppm(`P6\n#${"x".repeat(2_000)}\n1 1 255\n`, [1, 2, 3]),
    ppm("<svg/>", []),
  ];

  for (const picture of wrong) await assert.rejects(toPng(picture), ProtocolError);
});

test("a PNG that is none but for its first bytes, or would be a screen of gigabytes, is refused", async () => {
  const good = Buffer.from(await toPng(ppm("P6 1 1 255\n", [1, 2, 3])));
  const sized = (width: number, height: number) => {
    const bytes = Buffer.from(good);
    bytes.writeUInt32BE(width, 16);
    bytes.writeUInt32BE(height, 20);
    return bytes;
  };
  const wrong = [
    good.subarray(0, 8),
    good.subarray(0, 32),
    Buffer.concat([good.subarray(0, 8), Buffer.from("<script>alert(1)</script>".padEnd(64))]),
    ...[sized(0, 1), sized(1, 16_385), sized(0xffffffff, 1), sized(16_384, 16_384)],
  ];

  for (const bytes of wrong)
    await assert.rejects(toPng({ mediaType: "image/png", bytes }), ProtocolError, bytes.toString("hex"));
  const large = sized(16_384, 4_096);
  assert.equal(await toPng({ mediaType: "image/png", bytes: large }), large);
});
