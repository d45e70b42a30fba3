import {
  constants,
  createPublicKey,
  generateKeyPair,
  hash,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
} from "node:crypto";
import { promisify } from "node:util";
import { drawRandom } from "#base/process/random.ts";
import type { Sequence } from "#base/sequence.ts";
import { HandshakeError } from "#protocols/rfb/handshake-error.ts";
import {
  encodeRa2Key,
  encodeRa2Random,
  type Ra2Key,
  type Ra2Proof,
  readRa2Key,
  readRa2Random,
} from "#protocols/rfb/ra2.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { UpstreamTls } from "#wire/grant.ts";

/** Of ours, which is made for each console. */
const KEY_BITS = 2048;
const PIN = "ra2:";

/** Whether RA2 will do: its server's key has to be pinned, or not to be judged at all. */
export function allowsRa2(tls: UpstreamTls | undefined): boolean {
  return tls?.mode === "insecure" || isRa2Pin(tls);
}

/** Whether the machine is known by the key of RA2, and by nothing else. */
export function isRa2Pin(tls: UpstreamTls | undefined): boolean {
  return tls?.mode === "pin" && tls.pin.startsWith(PIN);
}

export interface Ra2Keys {
  readonly sending: Uint8Array;
  readonly receiving: Uint8Array;
  readonly proof: Ra2Proof;
}

/**
 * rfbproto, RA2 and RA2-256, up to where encryption begins: each side encrypts a random number for the other's RSA key, and
 * both make of the two what AES-EAX takes. `converse` runs one sequence with the server. Throws a GatewayError, or a HandshakeError.
 */
export async function agreeOnRa2Keys({
  aesBits,
  tls,
  send,
  converse,
}: {
  readonly aesBits: 128 | 256;
  readonly tls: UpstreamTls;
  readonly send: (bytes: Uint8Array) => void;
  readonly converse: <Result>(start: () => Sequence<Result>) => Promise<Result>;
}): Promise<Ra2Keys> {
  const theirs = await converse(readRa2Key);
  const theirKey = judgedRa2Key(theirs, tls);
  const { publicKey, privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: KEY_BITS });
  const ours = saidOf(publicKey);
  const randomBytes = aesBits / 8;
  const ourRandom = drawRandom(randomBytes);
  send(encodeRa2Key(ours));
  const padding = constants.RSA_PKCS1_PADDING;
  send(encodeRa2Random(byRsa(() => publicEncrypt({ key: theirKey, padding }, ourRandom))));
  const encrypted = await converse(() => readRa2Random(ours));
  const theirRandom = byRsa(() => privateDecrypt({ key: privateKey, padding }, encrypted));
  if (theirRandom.length !== randomBytes) throw new HandshakeError("malformed", "not a random number of RA2");

  const digest = aesBits === 128 ? "sha1" : "sha256";
  const mixed = (...parts: readonly Uint8Array[]) => hash(digest, Buffer.concat(parts), "buffer");
  return {
    sending: mixed(theirRandom, ourRandom).subarray(0, randomBytes),
    receiving: mixed(ourRandom, theirRandom).subarray(0, randomBytes),
    proof: {
      ours: mixed(encodeRa2Key(ours), encodeRa2Key(theirs)),
      theirs: mixed(encodeRa2Key(theirs), encodeRa2Key(ours)),
    },
  };
}

/** A pin is the beginning of SHA-1 over the key as it was said: viewers show eight bytes of it. Throws a GatewayError, or a HandshakeError. */
export function judgedRa2Key(key: Ra2Key, tls: UpstreamTls): KeyObject {
  if (tls.mode === "pin") {
    const shown = hash("sha1", encodeRa2Key(key), "hex");
    if (!shown.startsWith(tls.pin.slice(PIN.length)))
      throw new GatewayError("upstream_key_changed", { cause: new Error(`it is ${PIN}${shown}`) });
  }
  const number = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
  const leading = key.exponent.findIndex((byte) => byte !== 0);
  const parts = { kty: "RSA", n: number(key.modulus), e: number(key.exponent.subarray(leading)) };
  return byRsa(() => createPublicKey({ key: parts, format: "jwk" }));
}

/** OpenSSL's own errors are the server's doing: what it said is no key, or no number of that key. */
function byRsa<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    throw new HandshakeError("malformed", "says what RSA has not", { received: cause });
  }
}

function saidOf(key: KeyObject): Ra2Key {
  const { n = "", e = "" } = key.export({ format: "jwk" });
  const modulus = Buffer.from(n, "base64url");
  const exponent = Buffer.from(e, "base64url");
  const padding = Buffer.alloc(modulus.length - exponent.length);
  return { bits: KEY_BITS, modulus, exponent: Buffer.concat([padding, exponent]) };
}
