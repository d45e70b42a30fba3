import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { drawRandom } from "#base/process/random.ts";
import type { ScramCrypto } from "#protocols/scram.ts";

const NONCE_BYTES = 18;
const KEY_BYTES = 32;

/** SCRAM-SHA-256's parts, as OpenSSL has them. */
export const scramCrypto: ScramCrypto = {
  nonce: () => drawRandom(NONCE_BYTES).toString("base64url"),
  sha256: (bytes) => createHash("sha256").update(bytes).digest(),
  hmacSha256: (key, bytes) => createHmac("sha256", key).update(bytes).digest(),
  pbkdf2Sha256: (password, salt, iterations) => pbkdf2Sync(password, salt, iterations, KEY_BYTES, "sha256"),
};
