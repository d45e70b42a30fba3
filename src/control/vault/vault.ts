import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { Secret } from "#base/secret.ts";

/** The column of a row that a sealed value belongs to. */
export interface Place {
  readonly table: string;
  readonly row: string;
  readonly column: string;
}

/**
 * Encrypts the secrets that the database keeps. A sealed value opens only in the place that it was sealed for:
 * moved to another row it is refused, so whoever can write the database cannot swap secrets either.
 */
export interface Vault {
  seal(secret: Secret, place: Place): string;
  /** Throws when the value was altered, moved, or sealed with another installation's key. */
  open(sealed: string, place: Place): Secret;
}

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** Names the format, so that a later one can be told from it. */
const VERSION = "v1.";

export function createVault(installationKey: Uint8Array): Vault {
  const key = createSecretKey(deriveKey(installationKey, { salt: "", info: ["porthole", "vault"] }));
  return {
    seal(secret, place) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(associatedData(place));
      const sealed = [nonce, cipher.update(secret.expose(), "utf8"), cipher.final(), cipher.getAuthTag()];
      return VERSION + Buffer.concat(sealed).toString("base64url");
    },
    open(sealed, place) {
      try {
        return decrypt(key, sealed, place);
      } catch (cause) {
        throw new Error(`the sealed ${place.column} in ${place.table} does not open`, { cause });
      }
    },
  };
}

function decrypt(key: KeyObject, sealed: string, place: Place): Secret {
  if (!sealed.startsWith(VERSION)) throw new Error("unknown format");
  const bytes = Buffer.from(sealed.slice(VERSION.length), "base64url");
  if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error("too short");
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(associatedData(place))
    .setAuthTag(bytes.subarray(-TAG_BYTES));
  const text = [decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
  return new Secret(Buffer.concat(text).toString("utf8"));
}

/** As JSON, so that no two places read alike. */
function associatedData({ table, row, column }: Place): Buffer {
  return Buffer.from(JSON.stringify([table, row, column]));
}

/**
 * A key of 32 bytes for one purpose, by HKDF (RFC 5869) with SHA-256. Keys for different `info` say nothing about
 * each other, nor about the installation key.
 */
export function deriveKey(
  installationKey: Uint8Array,
  { salt, info }: { readonly salt: string; readonly info: readonly string[] },
): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", installationKey, salt, JSON.stringify(info), KEY_BYTES));
}
