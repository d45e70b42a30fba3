import { createHmac, createPrivateKey, type KeyObject, timingSafeEqual, X509Certificate } from "node:crypto";
import { Constructed, fromBER, ObjectIdentifier, Primitive, Sequence } from "asn1js";
import { ProtocolError } from "#base/protocol-error.ts";
import { Passphrase } from "./passphrase.ts";
import {
  algorithmIdentifier,
  decryptWithPassphrase,
  elements,
  iterationsOf,
  octets,
  pkcs12Key,
} from "./password-encryption.ts";

/** What a PKCS#12 (RFC 7292), also called PFX, has in it: in its own order, which says nothing. */
export interface Pkcs12 {
  readonly keys: readonly KeyObject[];
  readonly certificates: readonly X509Certificate[];
}

/** The passphrase does not fit. */
export class WrongPassphrase extends ProtocolError {}

const limits = {
  /** Keys and certificates: a chain has three or four. */
  things: 32,
} as const;

const DATA = "1.2.840.113549.1.7.1";
const ENCRYPTED_DATA = "1.2.840.113549.1.7.6";
const KEY_BAG = "1.2.840.113549.1.12.10.1.1";
const SHROUDED_KEY_BAG = "1.2.840.113549.1.12.10.1.2";
const CERTIFICATE_BAG = "1.2.840.113549.1.12.10.1.3";
const X509_CERTIFICATE = "1.2.840.113549.1.9.22.1";

const DIGESTS: Readonly<Record<string, string>> = {
  "1.3.14.3.2.26": "sha1",
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

/** Of the longest of them. */
const DIGEST_BYTES = 64;

/** Throws a ProtocolError for what is none, or encrypted in a way that is not known, and WrongPassphrase. */
export function readPkcs12(bytes: Uint8Array, text: string): Pkcs12 {
  const passphrase = new Passphrase(text);
  const [, authenticatedSafe, macData] = elements(parse(bytes));
  const { contentType, content } = contentInfo(authenticatedSafe);
  if (contentType !== DATA) throw new ProtocolError("it is protected by a key instead of a passphrase");
  const contents = octets(content);
  if (macData !== undefined) requireMac(macData, contents, passphrase);
  const bags = few(few(elements(parse(contents))).flatMap((each) => safeContents(each, passphrase)));
  const found = bags.map((bag) => readBag(bag, passphrase));
  return {
    keys: found.flatMap(({ key }) => key ?? []),
    certificates: found.flatMap(({ certificate }) => certificate ?? []),
  };
}

/** Before any of them is opened. */
function few(things: readonly unknown[]): readonly unknown[] {
  if (things.length > limits.things) throw new ProtocolError(`it holds more than ${limits.things} things`);
  return things;
}

function parse(bytes: Uint8Array): unknown {
  const { offset, result } = fromBER(bytes.slice());
  if (offset === -1) throw new ProtocolError("it is no PKCS#12");
  return result;
}

function contentInfo(value: unknown): { readonly contentType: string; readonly content: unknown } {
  const [contentType, wrapped] = elements(value);
  return { contentType: identifier(contentType), content: unwrapped(wrapped) };
}

/** RFC 7292 appendix B with HMAC. A kind that is not known is passed over: what is encrypted tells as well. */
function requireMac(macData: unknown, contents: Uint8Array, passphrase: Passphrase): void {
  const [digestInfo, salt, iterations] = elements(macData);
  const [algorithm, digest] = elements(digestInfo);
  const hash = DIGESTS[algorithmIdentifier(algorithm).algorithm];
  if (hash === undefined) return;
  const expected = octets(digest);
  if (expected.length > DIGEST_BYTES) throw new ProtocolError("it is damaged");
  const key = pkcs12Key({
    hash,
    salt: octets(salt),
    iterations: iterations === undefined ? 1 : iterationsOf(iterations),
    passphrase,
    purpose: "mac",
    bytes: expected.length,
  });
  const mac = createHmac(hash, key).update(contents).digest();
  if (mac.length !== expected.length || !timingSafeEqual(mac, expected))
    throw new WrongPassphrase("the passphrase does not fit");
}

function safeContents(value: unknown, passphrase: Passphrase): readonly unknown[] {
  const { contentType, content } = contentInfo(value);
  if (contentType === DATA) return elements(parse(octets(content)));
  if (contentType !== ENCRYPTED_DATA)
    throw new ProtocolError("it is protected by a key instead of a passphrase");
  const [, encryptedContentInfo] = elements(content);
  const [, algorithm, encrypted] = elements(encryptedContentInfo);
  return opened(algorithm, implicitOctets(encrypted), {
    passphrase,
    read: (bytes) => elements(parse(bytes)).map(requireBag),
  });
}

/** What was decrypted wrongly may still read as a sequence: hardly as one of bags. */
function requireBag(value: unknown): unknown {
  identifier(elements(value)[0]);
  return value;
}

function readBag(
  value: unknown,
  passphrase: Passphrase,
): { readonly key?: KeyObject; readonly certificate?: X509Certificate } {
  const [bagId, wrapped] = elements(value);
  const bag = unwrapped(wrapped);
  switch (identifier(bagId)) {
    case KEY_BAG:
      return { key: privateKey(derOf(bag)) };
    case SHROUDED_KEY_BAG: {
      const [algorithm, encrypted] = elements(bag);
      return { key: opened(algorithm, octets(encrypted), { passphrase, read: privateKey }) };
    }
    case CERTIFICATE_BAG: {
      const [kind, certificate] = elements(bag);
      if (identifier(kind) !== X509_CERTIFICATE) return {};
      return { certificate: new X509Certificate(octets(unwrapped(certificate))) };
    }
    default:
      // Revocation lists and what programs keep for themselves.
      return {};
  }
}

/**
 * What is read of encrypted bytes. One wrong passphrase in 256 decrypts them to something that ends as it should: then they
 * cannot be read.
 */
function opened<Found>(
  algorithm: unknown,
  encrypted: Uint8Array,
  { passphrase, read }: { readonly passphrase: Passphrase; readonly read: (bytes: Uint8Array) => Found },
): Found {
  const bytes = decrypted(algorithm, encrypted, passphrase);
  try {
    return read(bytes);
  } catch {
    throw new WrongPassphrase("the passphrase does not fit");
  }
}

function decrypted(algorithm: unknown, encrypted: Uint8Array, passphrase: Passphrase): Uint8Array {
  try {
    return decryptWithPassphrase(algorithmIdentifier(algorithm), encrypted, passphrase);
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    throw new WrongPassphrase("the passphrase does not fit");
  }
}

function privateKey(der: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" });
}

function identifier(value: unknown): string {
  if (!(value instanceof ObjectIdentifier)) throw new ProtocolError("it is no PKCS#12");
  return value.getValue();
}

/** What stands in `[0] EXPLICIT`. */
function unwrapped(value: unknown): unknown {
  return value instanceof Constructed ? value.valueBlock.value[0] : undefined;
}

/** `[0] IMPLICIT OCTET STRING`, in one piece or, in BER, in several. */
function implicitOctets(value: unknown): Uint8Array {
  if (value instanceof Primitive) return value.valueBlock.valueHexView;
  if (value instanceof Constructed) return Buffer.concat(value.valueBlock.value.map(octets));
  throw new ProtocolError("no octets where some were expected");
}

function derOf(value: unknown): Uint8Array {
  if (!(value instanceof Sequence)) throw new ProtocolError("no key where one was expected");
  return new Uint8Array(value.toBER());
}
