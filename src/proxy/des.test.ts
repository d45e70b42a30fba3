import assert from "node:assert/strict";
import { test } from "node:test";
import { encryptDes } from "./des.ts";

const hex = (text: string) => Buffer.from(text, "hex");

// From NIST SP 800-20, the variable plaintext and variable key tests of the Data Encryption Standard.
const KNOWN_ANSWERS = [
  { key: "0101010101010101", plain: "8000000000000000", cipher: "95f8a5e5dd31d900" },
  { key: "8001010101010101", plain: "0000000000000000", cipher: "95a8d72813daa94d" },
];

for (const { key, plain, cipher } of KNOWN_ANSWERS) {
  test(`DES under key ${key} gives the standard's answer`, () => {
    assert.deepEqual(Buffer.from(encryptDes(hex(key), hex(plain))), hex(cipher));
  });
}

test("each block is encrypted by itself", () => {
  const key = hex("0123456789abcdef");
  const [one, two] = [hex("4e6f772069732074"), hex("68652074696d6520")];

  const together = encryptDes(key, Buffer.concat([one, two]));

  assert.deepEqual(Buffer.from(together), Buffer.concat([encryptDes(key, one), encryptDes(key, two)]));
});
