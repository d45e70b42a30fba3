import { createCipheriv, createDecipheriv, createSecretKey } from "node:crypto";

const CIPHER = "aes-256-gcm";
const TAG_BYTES = 16;

/** AES-256-GCM (NIST SP 800-38D) under one key, with tags of 128 bits. At once, on the caller's thread. */
export function aes256Gcm(key: Uint8Array) {
  const secret = createSecretKey(key);
  return {
    seal({ iv, additional, plaintext }: Message & { readonly plaintext: Uint8Array }): Sealed {
      const cipher = createCipheriv(CIPHER, secret, iv).setAAD(additional);
      const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
      return { ciphertext, tag: cipher.getAuthTag() };
    },

    /** Throws when anything was altered. */
    open({ iv, additional, ciphertext, tag }: Message & Sealed): Uint8Array {
      const decipher = createDecipheriv(CIPHER, secret, iv, { authTagLength: TAG_BYTES })
        .setAAD(additional)
        .setAuthTag(tag);
      return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
    },
  };
}

interface Message {
  /** 12 bytes, never twice under one key. */
  readonly iv: Uint8Array;
  /** Authenticated, not encrypted. */
  readonly additional: Uint8Array;
}

interface Sealed {
  readonly ciphertext: Uint8Array;
  readonly tag: Uint8Array;
}
