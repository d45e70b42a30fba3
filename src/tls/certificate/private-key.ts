import { createPrivateKey, type KeyObject } from "node:crypto";
import { fromBER } from "asn1js";
import { ProtocolError } from "#base/protocol-error.ts";
import { Passphrase } from "./passphrase.ts";
import { algorithmIdentifier, elements, roundsOf } from "./password-encryption.ts";
import { type PemBlock, pemBytes } from "./pem.ts";

const limits = {
  /** What is repeated of a label that is not known. */
  labelCharacters: 40,
} as const;

/** PKCS#8, plain or encrypted (RFC 5958), PKCS#1 (RFC 8017 A.1.2) and SEC 1 (RFC 5915), each as OpenSSL writes it. */
const LABELS: readonly string[] = [
  "PRIVATE KEY",
  "ENCRYPTED PRIVATE KEY",
  "RSA PRIVATE KEY",
  "EC PRIVATE KEY",
];

export function isPrivateKey({ label }: PemBlock): boolean {
  return label.endsWith("PRIVATE KEY");
}

/** The key of a PEM block, or why it cannot be read, in words that hold nothing of it. */
export function readPrivateKey(
  block: PemBlock,
  passphrase: string | undefined,
): { readonly key: KeyObject } | { readonly problem: string } {
  if (!LABELS.includes(block.label))
    return {
      problem: `the private key is of a kind that is not taken (“${block.label.slice(0, limits.labelCharacters)}”)`,
    };
  const isEncrypted = block.label === "ENCRYPTED PRIVATE KEY" || block.hasHeaders;
  if (isEncrypted && passphrase === undefined)
    return { problem: "the private key is encrypted, and its passphrase is missing" };
  try {
    if (block.label === "ENCRYPTED PRIVATE KEY") requireQuickKey(block);
    return { key: createPrivateKey({ key: block.text, format: "pem", passphrase: passphrase ?? "" }) };
  } catch (error) {
    return { problem: problemOf(error, isEncrypted) };
  }
}

function requireQuickKey(block: PemBlock): void {
  const { offset, result } = fromBER(Buffer.from(pemBytes(block)));
  if (offset === -1) throw new ProtocolError("it is damaged");
  new Passphrase("").spend(roundsOf(algorithmIdentifier(elements(result)[0])));
}

function problemOf(error: unknown, isEncrypted: boolean): string {
  if (error instanceof ProtocolError) return `the private key cannot be opened: ${error.message}`;
  if (!isEncrypted) return "the private key cannot be read: it is damaged, or is none";
  return isOfUnknownCipher(error)
    ? "the private key is encrypted in a way that is not taken any more; “openssl pkcs8 -topk8” makes a new file of it"
    : "the passphrase of the private key is wrong, or the key is damaged";
}

/** Of 256 wrong passphrases one decrypts to what looks whole, and whose form is then “unsupported”: OpenSSL's decoder says that. */
function isOfUnknownCipher(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^ERR_OSSL_(EVP|PEM)_(UNSUPPORTED|UNKNOWN)/.test(code);
}
