import { createDecipheriv, createHash, pbkdf2Sync } from "node:crypto";
import { Integer, ObjectIdentifier, OctetString, Sequence } from "asn1js";
import { ProtocolError } from "#base/protocol-error.ts";
import type { Passphrase } from "./passphrase.ts";

/**
 * How files of keys are encrypted with a passphrase: PBES2 (RFC 8018 §6.2) with PBKDF2 and AES, as everybody writes
 * today, and triple DES with the keys of RFC 7292 appendix B, as was written before. node:crypto opens the same of a
 * PKCS#8 by itself, and of a PKCS#12 nothing.
 */

const PBES2 = "1.2.840.113549.1.5.13";
const PBKDF2 = "1.2.840.113549.1.5.12";
const SCRYPT = "1.3.6.1.4.1.11591.4.11";
const SHA1_TRIPLE_DES = "1.2.840.113549.1.12.1.3";

const CIPHERS: Readonly<Record<string, { readonly name: string; readonly keyBytes: number }>> = {
  "1.2.840.113549.3.7": { name: "des-ede3-cbc", keyBytes: 24 },
  "2.16.840.1.101.3.4.1.2": { name: "aes-128-cbc", keyBytes: 16 },
  "2.16.840.1.101.3.4.1.22": { name: "aes-192-cbc", keyBytes: 24 },
  "2.16.840.1.101.3.4.1.42": { name: "aes-256-cbc", keyBytes: 32 },
};

const PSEUDO_RANDOM_FUNCTIONS: Readonly<Record<string, string>> = {
  "1.2.840.113549.2.7": "sha1",
  "1.2.840.113549.2.8": "sha224",
  "1.2.840.113549.2.9": "sha256",
  "1.2.840.113549.2.10": "sha384",
  "1.2.840.113549.2.11": "sha512",
};

/** What it makes at a time, and, for RFC 7292, works on. */
const HASHES: Readonly<Record<string, { readonly bytes: number; readonly blockBytes: number }>> = {
  sha1: { bytes: 20, blockBytes: 64 },
  sha224: { bytes: 28, blockBytes: 64 },
  sha256: { bytes: 32, blockBytes: 64 },
  sha384: { bytes: 48, blockBytes: 128 },
  sha512: { bytes: 64, blockBytes: 128 },
};

/** Throws a ProtocolError for an algorithm that is not known, and what node:crypto throws for a wrong passphrase. */
export function decryptWithPassphrase(
  { algorithm, parameters }: AlgorithmIdentifier,
  encrypted: Uint8Array,
  passphrase: Passphrase,
): Uint8Array {
  const { cipher, key, iv } =
    algorithm === PBES2
      ? modernKey(parameters, passphrase)
      : algorithm === SHA1_TRIPLE_DES
        ? olderKey(parameters, passphrase)
        : unknown(algorithm);
  const decipher = createDecipheriv(cipher, key, iv);
  return Buffer.concat([decipher.update(encrypted), decipher.final()]);
}

/** `AlgorithmIdentifier` of X.509. */
export interface AlgorithmIdentifier {
  readonly algorithm: string;
  readonly parameters: unknown;
}

/** Throws a ProtocolError for anything else. */
export function algorithmIdentifier(value: unknown): AlgorithmIdentifier {
  const [algorithm, parameters] = elements(value);
  if (!(algorithm instanceof ObjectIdentifier))
    throw new ProtocolError("no algorithm where one was expected");
  return { algorithm: algorithm.getValue(), parameters };
}

/** How often node:crypto will hash the passphrase of a key that it is to open. Throws a ProtocolError where it cannot tell. */
export function roundsOf({ algorithm, parameters }: AlgorithmIdentifier): number {
  // Those of old all say it in the same way (RFC 8018 appendix A.3).
  if (algorithm !== PBES2) return iterationsOf(elements(parameters)[1]);
  const derivation = algorithmIdentifier(elements(parameters)[0]);
  const [, first, second, third] = elements(derivation.parameters);
  if (derivation.algorithm === PBKDF2) return iterationsOf(first);
  // RFC 7914 §7: its cost, the size of its blocks, and how many times all that.
  if (derivation.algorithm === SCRYPT)
    return iterationsOf(first) * iterationsOf(second) * iterationsOf(third);
  return unknown(derivation.algorithm);
}

/** The elements of a SEQUENCE. */
export function elements(value: unknown): readonly unknown[] {
  if (!(value instanceof Sequence)) throw new ProtocolError("no sequence where one was expected");
  return value.valueBlock.value;
}

export function octets(value: unknown): Uint8Array {
  if (!(value instanceof OctetString)) throw new ProtocolError("no octets where some were expected");
  return new Uint8Array(value.getValue());
}

/** How often something is done, as a file says it. */
export function iterationsOf(value: unknown): number {
  if (!(value instanceof Integer)) throw new ProtocolError("no number where one was expected");
  const iterations = value.valueBlock.valueDec;
  // Of a number that is too long for it, asn1js says 0.
  return iterations < 1 ? Number.POSITIVE_INFINITY : iterations;
}

interface CipherParts {
  readonly cipher: string;
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
}

function modernKey(parameters: unknown, passphrase: Passphrase): CipherParts {
  const [derivation, scheme] = elements(parameters).map(algorithmIdentifier);
  if (derivation?.algorithm !== PBKDF2 || scheme === undefined) return unknown(derivation?.algorithm ?? "");
  const cipher = CIPHERS[scheme.algorithm];
  if (cipher === undefined) return unknown(scheme.algorithm);
  const [salt, count, ...further] = elements(derivation.parameters);
  const iterations = iterationsOf(count);
  const hash = pseudoRandomFunction(further.at(-1));
  passphrase.spend(iterations * Math.ceil(cipher.keyBytes / (HASHES[hash]?.bytes ?? 1)));
  const key = pbkdf2Sync(passphrase.text, octets(salt), iterations, cipher.keyBytes, hash);
  return { cipher: cipher.name, key, iv: octets(scheme.parameters) };
}

/** The last of the parameters; HMAC with SHA-1 where there is none. */
function pseudoRandomFunction(value: unknown): string {
  if (!(value instanceof Sequence)) return "sha1";
  const { algorithm } = algorithmIdentifier(value);
  return PSEUDO_RANDOM_FUNCTIONS[algorithm] ?? unknown(algorithm);
}

function olderKey(parameters: unknown, passphrase: Passphrase): CipherParts {
  const [salt, count] = elements(parameters);
  const of = { hash: "sha1", salt: octets(salt), iterations: iterationsOf(count), passphrase } as const;
  const cipher = { name: "des-ede3-cbc", keyBytes: 24, ivBytes: 8 };
  return {
    cipher: cipher.name,
    key: pkcs12Key({ ...of, purpose: "key", bytes: cipher.keyBytes }),
    iv: pkcs12Key({ ...of, purpose: "iv", bytes: cipher.ivBytes }),
  };
}

/** RFC 7292 appendix B.3. */
const PURPOSES = { key: 1, iv: 2, mac: 3 } as const;

/** RFC 7292 appendix B.2: bytes out of a passphrase, for one purpose. Letters have the RFC's names. */
export function pkcs12Key({
  hash,
  salt,
  iterations,
  passphrase,
  purpose,
  bytes,
}: {
  readonly hash: string;
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly passphrase: Passphrase;
  readonly purpose: keyof typeof PURPOSES;
  readonly bytes: number;
}): Uint8Array {
  const { bytes: u, blockBytes: v } = HASHES[hash] ?? unknown(hash);
  passphrase.spend(iterations * Math.ceil(bytes / u));
  const d = Buffer.alloc(v, PURPOSES[purpose]);
  const i = Buffer.concat([repeated(salt, v), repeated(bmpString(passphrase.text), v)]);
  const derived: Uint8Array[] = [];
  for (let length = 0; length < bytes; ) {
    let a: Uint8Array = createHash(hash).update(d).update(i).digest();
    for (let round = 1; round < iterations; round++) a = createHash(hash).update(a).digest();
    derived.push(a);
    length += a.length;
    addToEach(i, repeated(a, v).subarray(0, v));
  }
  return Buffer.concat(derived).subarray(0, bytes);
}

/** Adds `b` and 1 to each block of `i`, as numbers. */
function addToEach(i: Uint8Array, b: Uint8Array): void {
  for (let start = 0; start < i.length; start += b.length) {
    let carry = 1;
    for (let at = b.length - 1; at >= 0; at--) {
      const sum = (i[start + at] ?? 0) + (b[at] ?? 0) + carry;
      i[start + at] = sum;
      carry = sum >> 8;
    }
  }
}

/** As often as it takes to fill blocks of so many bytes. */
function repeated(bytes: Uint8Array, blockBytes: number): Uint8Array {
  const length = Math.ceil(bytes.length / blockBytes) * blockBytes;
  return Uint8Array.from({ length }, (_, at) => bytes[at % bytes.length] ?? 0);
}

/** UTF-16, big end first, and a zero at the end. */
function bmpString(text: string): Uint8Array {
  return Buffer.from(`${text}\0`, "utf16le").swap16();
}

function unknown(algorithm: string): never {
  throw new ProtocolError(`it is encrypted in a way that is not known here (${algorithm})`);
}
