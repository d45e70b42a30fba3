import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { Pkcs10CertificateRequest, Pkcs10CertificateRequestGenerator, type PublicKey } from "@peculiar/x509";
import { ProtocolError } from "#base/protocol-error.ts";
import { generateKeys, KEY_ALGORITHM, privateKeyPem, SIGNING_ALGORITHM } from "./keys.ts";

/** What a node makes before it joins: a key that never leaves it, and a PKCS#10 request for it. Both are PEM. */
export async function createCertificateRequest(): Promise<{ request: string; privateKey: string }> {
  const keys = await generateKeys();
  const request = await Pkcs10CertificateRequestGenerator.create(
    { name: [{ CN: ["node"] }], keys, signingAlgorithm: SIGNING_ALGORITHM },
    webcrypto,
  );
  return { request: request.toString("pem"), privateKey: await privateKeyPem(keys.privateKey) };
}

/**
 * The public key of a PKCS#10 request, after its self-signature has shown that the asker holds the private key.
 * Throws a ProtocolError for anything else, other kinds of keys included.
 */
export async function requestedPublicKey(request: string): Promise<PublicKey> {
  const parsed = parse(request);
  if (!isOurKind(parsed.publicKey.algorithm))
    throw new ProtocolError("certificate request for another kind of key than ECDSA P-256");
  if (!(await verifies(parsed))) throw new ProtocolError("certificate request not signed by its own key");
  return parsed.publicKey;
}

function parse(request: string): Pkcs10CertificateRequest {
  try {
    return new Pkcs10CertificateRequest(request);
  } catch {
    throw new ProtocolError("malformed certificate request");
  }
}

function isOurKind(algorithm: object): boolean {
  return (
    "name" in algorithm &&
    algorithm.name === KEY_ALGORITHM.name &&
    "namedCurve" in algorithm &&
    algorithm.namedCurve === KEY_ALGORITHM.namedCurve
  );
}

async function verifies(request: Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await request.verify(webcrypto);
  } catch {
    // A signature that is no DER pair of numbers throws instead of failing.
    return false;
  }
}
