import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { accepts, encodeText } from "./content-coding.ts";

test("a text is kept in every coding that makes it smaller, best first", async () => {
  const text = Buffer.from("the quick brown fox ".repeat(200));

  const [br, gzip] = await encodeText(text);

  assert.deepEqual([br?.coding, gzip?.coding], ["br", "gzip"]);
  assert.ok(brotliDecompressSync(br?.body ?? "").equals(text));
  assert.ok(gunzipSync(gzip?.body ?? "").equals(text));
});

test("what is small, or does not get smaller, is left as it is", async () => {
  assert.deepEqual(await encodeText(Buffer.alloc(1024, "a")), []);
  assert.deepEqual(await encodeText(randomBytes(4096)), []);
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
