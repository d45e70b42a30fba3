import assert from "node:assert/strict";
import { test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { accepts, isEncodedFrom } from "./content-coding.ts";

test("an encoded form is told from that of something else, of more, of less, and from what is none", () => {
  const content = Buffer.from("the quick brown fox ".repeat(200));
  const encode = { br: brotliCompressSync, gzip: gzipSync } as const;

  for (const coding of ["br", "gzip"] as const) {
    const body = encode[coding](content);
    assert.equal(isEncodedFrom(content, { coding, body }), true);
    assert.equal(isEncodedFrom(Buffer.from(content).fill("x", 7, 8), { coding, body }), false);
    assert.equal(isEncodedFrom(content.subarray(1), { coding, body }), false);
    assert.equal(isEncodedFrom(Buffer.concat([content, content]), { coding, body }), false);
    const longer = Buffer.concat([body, content]);
    for (const none of [body.subarray(0, -9), content, longer, Buffer.alloc(0)])
      assert.equal(isEncodedFrom(content, { coding, body: none }), false);
  }
});

const HEADERS: readonly [header: string | undefined, br: boolean, gzip: boolean][] = [
  [undefined, false, false],
  ["", false, false],
  ["gzip, deflate, br, zstd", true, true],
  ["gzip", false, true],
  ["GZIP;Q=0.5", false, true],
  ["br;q=0, gzip;q=1.0", false, true],
  ["br;q=0.000,*", false, true],
  ["*", true, true],
  ["*;q=0", false, false],
  ["identity", false, false],
  ["br;q=nonsense", false, false],
  ["brotli, xgzip", false, false],
];

for (const [header, br, gzip] of HEADERS) {
  test(`Accept-Encoding “${header ?? "absent"}” lets through ${br ? "br" : "no br"} and ${gzip ? "gzip" : "no gzip"}`, () => {
    assert.deepEqual([accepts(header, "br"), accepts(header, "gzip")], [br, gzip]);
  });
}
