import "reflect-metadata";
import { KeyObject, randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

export { ExtendedKeyUsage };

export const HOUR_MS = 3_600_000;

const KINDS = {
  rsa: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048, publicExponent: exponent() },
  weakRsa: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 1024, publicExponent: exponent() },
  ecdsa: { name: "ECDSA", namedCurve: "P-256" },
  ed25519: { name: "Ed25519" },
} as const;
type KeyKind = keyof typeof KINDS;

/** A certificate of a test's own, with its key; whoever signed it is no authority that anybody knows. */
export interface TestCertificate {
  readonly certificate: X509Certificate;
  /** PEM. */
  readonly pem: string;
  readonly key: KeyObject;
  /** PKCS#8, PEM. */
  readonly keyPem: string;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly kind: KeyKind;
}

interface Options {
  readonly kind?: KeyKind;
  readonly names?: readonly string[];
  readonly commonName?: string;
  readonly isAuthority?: boolean;
  /** Itself, if absent. */
  readonly issuer?: TestCertificate;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly usages?: readonly ExtendedKeyUsage[];
  /** Its own, where it is to have the key of another. */
  readonly keys?: webcrypto.CryptoKeyPair;
  /** Of the issuer's signature. */
  readonly hash?: "SHA-1" | "SHA-256";
}

export async function testCertificate({
  kind = "ecdsa",
  names = [],
  commonName = names[0] ?? "authority",
  isAuthority = names.length === 0,
  issuer,
  notBefore = Date.now() - HOUR_MS,
  notAfter = Date.now() + 90 * 24 * HOUR_MS,
  usages = isAuthority ? [] : [ExtendedKeyUsage.serverAuth],
  hash = "SHA-256",
  keys: own,
}: Options = {}): Promise<TestCertificate> {
  const keys =
    own ??
    ((await webcrypto.subtle.generateKey(KINDS[kind], true, ["sign", "verify"])) as webcrypto.CryptoKeyPair);
  const signer = issuer ?? { keys, kind };
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: `4${randomBytes(8).toString("hex").slice(1)}`,
      subject: [{ CN: [commonName] }],
      issuer: issuer?.certificate.subjectName ?? [{ CN: [commonName] }],
      notBefore: new Date(notBefore),
      notAfter: new Date(notAfter),
      publicKey: keys.publicKey,
      signingKey: await signingKey(signer, hash),
      signingAlgorithm: { ...KINDS[signer.kind], hash },
      extensions: [
        ...(isAuthority ? [new BasicConstraintsExtension(true, undefined, true)] : []),
        ...(usages.length === 0 ? [] : [new ExtendedKeyUsageExtension([...usages])]),
        ...(names.length === 0
          ? []
          : [
              new SubjectAlternativeNameExtension(
                names.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value })),
              ),
            ]),
      ],
    },
    webcrypto,
  );
  const key = KeyObject.from(keys.privateKey);
  return {
    certificate,
    pem: `${certificate.toString("pem")}\n`,
    key,
    keyPem: key.export({ format: "pem", type: "pkcs8" }).toString(),
    keys,
    kind,
  };
}

/** A root, two intermediates and a server, as authorities have it. */
export async function testChain(options: Options & { readonly names: readonly string[] }) {
  const root = await testCertificate({ commonName: "root" });
  const upper = await testCertificate({ commonName: "upper", issuer: root, isAuthority: true });
  const lower = await testCertificate({ commonName: "lower", issuer: upper, isAuthority: true });
  const leaf = await testCertificate({ issuer: lower, ...options });
  return { root, upper, lower, leaf };
}

/** WebCrypto signs with the hash that an RSA key was made for. */
async function signingKey(
  { keys, kind }: Pick<TestCertificate, "keys" | "kind">,
  hash: string,
): Promise<webcrypto.CryptoKey> {
  if (kind !== "rsa" && kind !== "weakRsa") return keys.privateKey;
  const der = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return await webcrypto.subtle.importKey("pkcs8", der, { ...KINDS[kind], hash }, true, ["sign"]);
}

function exponent(): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(1, 0, 1);
}
