import assert from "node:assert/strict";
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { test } from "node:test";
import fc from "fast-check";
import { AesEax } from "./aes-eax.ts";

/** The paper's appendix G: message, key, nonce, header, ciphertext with tag. */
const VECTORS = [
  [
    "",
    "233952dee4d5ed5f9b9c6d6ff80ff478",
    "62ec67f9c3a4a407fcb2a8c49031a8b3",
    "6bfb914fd07eae6b",
    "e037830e8389f27b025a2d6527e79d01",
  ],
  [
    "f7fb",
    "91945d3f4dcbee0bf45ef52255f095a4",
    "becaf043b0a23d843194ba972c66debd",
    "fa3bfd4806eb53fa",
    "19dd5c4c9331049d0bdab0277408f67967e5",
  ],
  [
    "1a47cb4933",
    "01f74ad64077f2e704c0f60ada3dd523",
    "70c3db4f0d26368400a10ed05d2bff5e",
    "234a3463c1264ac6",
    "d851d5bae03a59f238a23e39199dc9266626c40f80",
  ],
  [
    "481c9e39b1",
    "d07cf6cbb7f313bdde66b727afd3c5e8",
    "8408dfff3c1a2b1292dc199e46b7d617",
    "33cce2eabff5a79d",
    "632a9d131ad4c168a4225d8e1ff755939974a7bede",
  ],
  [
    "40d0c07da5e4",
    "35b6d0580005bbc12b0587124557d2c2",
    "fdb6b06676eedc5c61d74276e1f8e816",
    "aeb96eaebe2970e9",
    "071dfe16c675cb0677e536f73afe6a14b74ee49844dd",
  ],
  [
    "4de3b35c3fc039245bd1fb7d",
    "bd8e6e11475e60b268784c38c62feb22",
    "6eac5c93072d8e8513f750935e46da1b",
    "d4482d1ca78dce0f",
    "835bb4f15d743e350e728414abb8644fd6ccb86947c5e10590210a4f",
  ],
] as const;

for (const [message, key, nonce, header, sealed] of VECTORS) {
  test(`a published vector of ${message.length / 2} bytes is sealed and opened`, () => {
    const eax = new AesEax(hex(key));

    assert.equal(eax.seal(hex(nonce), hex(header), hex(message)).toString("hex"), sealed);
    assert.equal(eax.open(hex(nonce), hex(header), hex(sealed))?.toString("hex"), message);
  });
}

test("what was changed by a bit is not opened, whatever its length, with either length of key", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(16, 32),
      fc.uint8Array({ maxLength: 5_000, size: "max" }),
      fc.nat(),
      (size, plain, at) => {
        const eax = new AesEax(new Uint8Array(size).fill(7));
        const [nonce, header] = [new Uint8Array(16).fill(1), Uint8Array.of(plain.length >> 8, plain.length)];
        const sealed = eax.seal(nonce, header, plain);

        assert.deepEqual(eax.open(nonce, header, sealed), Buffer.from(plain));
        const index = at % sealed.length;
        sealed[index] = (sealed[index] ?? 0) ^ 1;
        assert.equal(eax.open(nonce, header, sealed), undefined);
      },
    ),
  );
});

test("short messages take no cipher of their own, which would hold up a node for as long as many of them come", (context) => {
  const making = context.mock.method(crypto, "createCipheriv");
  syncBuiltinESMExports();
  context.after(() => {
    making.mock.restore();
    syncBuiltinESMExports();
  });
  const eax = new AesEax(new Uint8Array(16));
  const before = making.mock.callCount();

  for (let length = 0; length < 100; length++) {
    const sealed = eax.seal(Buffer.alloc(16), Uint8Array.of(0, length), Buffer.alloc(length));
    assert.ok(eax.open(Buffer.alloc(16), Uint8Array.of(0, length), sealed) !== undefined);
  }

  assert.ok(before > 0);
  assert.equal(making.mock.callCount(), before);
});

function hex(text: string): Buffer {
  return Buffer.from(text, "hex");
}
