import { createCipheriv } from "node:crypto";

/**
 * Single DES in ECB mode without padding, which VNC authentication is made of. OpenSSL has it no more, but triple
 * DES with one key three times is the same function: it encrypts, decrypts, and encrypts again.
 */
export function encryptDes(key: Uint8Array, blocks: Uint8Array): Uint8Array {
  const cipher = createCipheriv("des-ede3", Buffer.concat([key, key, key]), null).setAutoPadding(false);
  return Buffer.concat([cipher.update(blocks), cipher.final()]);
}
