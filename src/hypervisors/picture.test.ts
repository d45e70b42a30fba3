import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolError } from "#base/protocol-error.ts";
import { SCREEN } from "../../test/harness/xapi/screen.ts";
import { toShown } from "./picture.ts";

const shown = async (bytes: Uint8Array) => await toShown({ mediaType: "application/octet-stream", bytes });

/** Where the frame's header begins, behind its length: bits, lines, samples, components. */
const frame = SCREEN.indexOf(Buffer.from("ffc00011", "hex")) + 4;

function changed(at: number, hex: string): Buffer {
  const bytes = Buffer.from(SCREEN);
  bytes.write(hex, at, "hex");
  return bytes;
}

test("a JPEG stays as it is, and is said to be one, whatever the platform called it", async () => {
  assert.deepEqual(await shown(SCREEN), { mediaType: "image/jpeg", bytes: SCREEN });
  // T.81, B.1.1.2: before a marker any number of bytes may stand that fill.
  const filled = Buffer.concat([SCREEN.subarray(0, 2), Buffer.alloc(1_000, 0xff), SCREEN.subarray(2)]);
  assert.deepEqual((await shown(filled)).bytes, filled);
});

test("a PPM is shown as a PNG", async () => {
  const { mediaType, bytes } = await shown(Buffer.from("P6 1 1 255\nabc"));

  assert.equal(mediaType, "image/png");
  assert.equal(Buffer.from(bytes).toString("latin1", 1, 4), "PNG");
});

test("what is a JPEG by its first bytes alone, breaks off, or would be a screen of gigabytes, is refused", async () => {
  const wrong: Readonly<Record<string, Buffer>> = {
    "nothing behind its beginning": SCREEN.subarray(0, 3),
    "another thing behind it": Buffer.concat([
      SCREEN.subarray(0, 3),
      Buffer.from("<script>alert(1)</script>"),
    ]),
    "no frame": Buffer.concat([
      SCREEN.subarray(0, 2),
      SCREEN.subarray(SCREEN.indexOf(Buffer.from("ffda", "hex"))),
    ]),
    "two frames": Buffer.concat([
      SCREEN.subarray(0, frame - 4),
      SCREEN.subarray(frame - 4, frame + 15),
      SCREEN.subarray(frame - 4),
    ]),
    "no end": SCREEN.subarray(0, -2),
    "no lines": changed(frame + 1, "0000"),
    "65 535 × 65 535": changed(frame + 1, "ffffffff"),
    "more than may be on a screen": changed(frame + 1, "40004000"),
    "twelve bits": changed(frame, "0c"),
    "two components": changed(frame + 5, "02"),
    "arithmetic coding": changed(frame - 3, "c9"),
    "a segment without a length": changed(frame - 2, "0000"),
    "a segment beyond its end": changed(frame - 2, "ffff"),
    "tables without end": Buffer.concat([
      SCREEN.subarray(0, 2),
      ...Array.from({ length: 300 }, () => Buffer.from("fffe0002", "hex")),
      SCREEN.subarray(2),
    ]),
  };

  for (const [title, bytes] of Object.entries(wrong))
    await assert.rejects(shown(bytes), ProtocolError, title);
  const large = changed(frame + 1, "10004000");
  assert.equal((await shown(large)).bytes, large, "4096 × 16384");
});
