import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from "@peculiar/x509";
import { generateKeys, privateKeyPem, SIGNING_ALGORITHM } from "../keys.ts";

/** A new key, PKCS#8 and PEM, and a PKCS#10 request for it, DER, for a server of these names. */
export async function createServerRequest(
  names: readonly string[],
): Promise<{ readonly request: Uint8Array; readonly privateKey: string }> {
  const keys = await generateKeys();
  const request = await Pkcs10CertificateRequestGenerator.create(
    {
      keys,
      signingAlgorithm: SIGNING_ALGORITHM,
      extensions: [new SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns", value })))],
    },
    webcrypto,
  );
  return { request: new Uint8Array(request.rawData), privateKey: await privateKeyPem(keys.privateKey) };
}
