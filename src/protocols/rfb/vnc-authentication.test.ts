import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { test } from "node:test";
import { vncAuthenticationKey } from "./vnc-authentication.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("the key is the password with the bits of each byte mirrored", () => {
  assert.equal(hex(vncAuthenticationKey("password")), "0e86ceceeef64e26");
});

test("a short password is padded with zeros", () => {
  assert.equal(hex(vncAuthenticationKey("a")), "8600000000000000");
});

test("only the first eight bytes of a password count", () => {
  assert.deepEqual(vncAuthenticationKey("passwordpassword"), vncAuthenticationKey("password"));
});

test("the response to a challenge is the one that noVNC and OpenSSL give", () => {
  // OpenSSL 3 has DES only as triple DES; with one key three times it is single DES.
  const key = vncAuthenticationKey("COW");
  const cipher = createCipheriv("des-ede3-ecb", Buffer.concat([key, key, key]), null).setAutoPadding(false);
  const challenge = Uint8Array.from({ length: 16 }, (_, index) => index);

  const response = Buffer.concat([cipher.update(challenge), cipher.final()]);

  assert.equal(hex(response), "dc72fe4da173cc3f3c684d6637ed8c28");
});
