import assert from "node:assert/strict";
import { test } from "node:test";
import { aes256Gcm } from "./aes-256-gcm.ts";

const hex = (text: string) => Buffer.from(text, "hex");

/** Test case 16 of the GCM specification (McGrew and Viega). */
const KNOWN = {
  key: hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
  iv: hex("cafebabefacedbaddecaf888"),
  additional: hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
  plaintext: hex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
  ),
  ciphertext: hex(
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
  ),
  tag: hex("76fc6ece0f4e1768cddf8853bb2d551b"),
};

test("the specification's known answer is met, both ways", () => {
  const { key, ciphertext, tag, plaintext, ...message } = KNOWN;

  const sealed = aes256Gcm(key).seal({ ...message, plaintext });
  const opened = aes256Gcm(key).open({ ...message, ciphertext, tag });

  assert.deepEqual([sealed.ciphertext, sealed.tag], [ciphertext, tag]);
  assert.deepEqual(opened, plaintext);
});

test("whatever is altered, nothing opens", () => {
  const { key, ciphertext, tag, iv, additional } = KNOWN;
  const message = { iv, additional, ciphertext, tag };
  const flipped = (bytes: Buffer) => Buffer.from(bytes.map((byte, index) => (index === 3 ? byte ^ 1 : byte)));

  for (const part of ["iv", "additional", "ciphertext", "tag"] as const)
    assert.throws(
      () => aes256Gcm(key).open({ ...message, [part]: flipped(message[part]) }),
      `altered ${part}`,
    );
  assert.throws(() => aes256Gcm(flipped(key)).open(message));
  assert.throws(() => aes256Gcm(key).open({ ...message, tag: tag.subarray(0, 4) }), "a shortened tag");
});
