import { ByteReader, ByteWriter, concat } from "#base/bytes.ts";
import type { Secret } from "#base/secret.ts";
import type { Sequence } from "#base/sequence.ts";
import { HandshakeError } from "./handshake-error.ts";

const limits = {
  /** Of an RSA key. Shorter ones can be broken; TigerVNC makes them of 2048, and takes none that is longer. */
  fewestKeyBits: 1024,
  mostKeyBits: 8192,
  /** Each has one byte for its length. */
  credentialBytes: 255,
} as const;

/** Who signs in: a user with a password, or whoever has the password. */
const SUBTYPE = { account: 1, password: 2 } as const;

/** An RSA key as it is said: both numbers have as many bytes as the modulus. */
export interface Ra2Key {
  readonly bits: number;
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
}

/** rfbproto, RA2: the server's public key. Throws a HandshakeError. */
export function* readRa2Key(): Sequence<Ra2Key> {
  const bits = new ByteReader(yield { bytes: 4 }).u32();
  if (bits < limits.fewestKeyBits || bits > limits.mostKeyBits)
    throw new HandshakeError("malformed", "a key of no usual length", { received: bits });
  const length = Math.ceil(bits / 8);
  const modulus = yield { bytes: length };
  return { bits, modulus, exponent: yield { bytes: length } };
}

/** As it is said, and as it goes into fingerprints and hashes. */
export function encodeRa2Key({ bits, modulus, exponent }: Ra2Key): Uint8Array {
  return new ByteWriter().u32(bits).bytes(modulus).bytes(exponent).finish();
}

/** A random number, encrypted for the other side. */
export function encodeRa2Random(encrypted: Uint8Array): Uint8Array {
  return new ByteWriter().u16(encrypted.length).bytes(encrypted).finish();
}

/** What the server has encrypted for us. Throws a HandshakeError. */
export function* readRa2Random(ours: Ra2Key): Sequence<Uint8Array> {
  const length = new ByteReader(yield { bytes: 2 }).u16();
  if (length !== ours.modulus.length)
    throw new HandshakeError("malformed", "not encrypted for the key that was said", { received: length });
  return yield { bytes: length };
}

/** What shows, within the encryption, that both have heard the keys that were said. */
export interface Ra2Proof {
  readonly ours: Uint8Array;
  readonly theirs: Uint8Array;
}

export interface Ra2SignIn {
  readonly send: (bytes: Uint8Array) => void;
  readonly proof: Ra2Proof;
  readonly username?: string | undefined;
  readonly password: Secret;
}

/** rfbproto, RA2, within its encryption, up to SecurityResult. Throws a HandshakeError. */
export function* signInByRa2({ send, proof, username, password }: Ra2SignIn): Sequence<void> {
  send(proof.ours);
  const theirs = yield { bytes: proof.theirs.length };
  if (!theirs.every((byte, index) => byte === proof.theirs[index]))
    throw new HandshakeError(
      "key-unproven",
      "the server heard another key than ours, or said another than its own",
    );
  const [subtype] = yield { bytes: 1 };
  if (subtype === SUBTYPE.account && username === undefined)
    throw new HandshakeError("username-missing", "a user name is needed, and none is on record");
  if (subtype === SUBTYPE.password && username !== undefined)
    throw new HandshakeError("username-not-asked", "the user name on record is not asked for");
  if (subtype !== SUBTYPE.account && subtype !== SUBTYPE.password)
    throw new HandshakeError("malformed", "asks for neither an account nor a password", {
      received: subtype,
    });
  send(concat([credential(username ?? ""), credential(password.expose())]));
}

function credential(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > limits.credentialBytes)
    throw new HandshakeError("security-unsupported", "longer than RA2 can say");
  return new ByteWriter().u8(bytes.length).bytes(bytes).finish();
}
