export const CHALLENGE_BYTES = 16;
const KEY_BYTES = 8;

/** Single DES in ECB mode without padding. Passed in, because no platform-free DES exists. */
export type EncryptDes = (key: Uint8Array, blocks: Uint8Array) => Uint8Array;

/**
 * The DES key of a password (RFC 6143 §7.2.2): its first eight bytes, padded with zeros. The first implementation
 * took the bits of each byte in the wrong order, and everybody after it had to.
 */
export function vncAuthenticationKey(password: string): Uint8Array<ArrayBuffer> {
  const key = new Uint8Array(KEY_BYTES);
  key.set(new TextEncoder().encode(password).subarray(0, KEY_BYTES));
  return key.map(mirrorBits);
}

function mirrorBits(byte: number): number {
  let mirrored = 0;
  for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) mirrored |= 0x80 >> bit;
  return mirrored;
}
